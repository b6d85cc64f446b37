"""The command line: `neurallnet predict | audit | data | train | ...`, one thin function per subcommand."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from neurallnet.config import PROFILES, RunConfig, profile_config, with_changes
from neurallnet.errors import ConfigError, NeurallnetError
from neurallnet.paths import DATA_VARIABLE, WORK_VARIABLE, workspace

app = typer.Typer(
    help="NeurALLNet: train, question and ship a spiking classifier of blood-smear images. Not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="Find, draw or download images, and list them in a manifest.", no_args_is_help=True)
app.add_typer(data_app, name="data")

Profile = StrEnum("Profile", {name: name for name in PROFILES})
DataOption = Annotated[Path | None, typer.Option("--data", help=f"Folder of your real images [env: {DATA_VARIABLE}]")]
WorkOption = Annotated[
    Path | None, typer.Option("--work", help=f"Where results go [env: {WORK_VARIABLE}; default: work/<profile>]")
]
ProfileOption = Annotated[Profile, typer.Option(help="smoke: synthetic smears, minutes; full: real images")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="e.g. model.time_steps=4; repeatable")]


@data_app.command("list")
def data_list() -> None:
    """The data sets this program knows, with licence and citation."""
    from neurallnet.data.sources import SOURCES

    for source in SOURCES.values():
        typer.echo(f"{source.name:20} {source.citation} | licence: {source.licence} | {source.url or 'on this computer'}")


@data_app.command("download")
def data_download(name: Annotated[str, typer.Argument(help="taleqani, external or cnmc")]) -> None:
    """Fetch a published set from Kaggle with your own credentials."""
    from neurallnet.data.sources import download

    typer.echo(download(name))


@data_app.command("manifest")
def data_manifest(
    name: Annotated[str, typer.Argument(help="a data set of `data list`")] = "synthetic",
    data: DataOption = None,
    work: WorkOption = None,
    strict: Annotated[bool, typer.Option(help="stop when an image cannot be read, naming the first ones")] = False,
) -> None:
    """List the images of a set, with hashes; name each file that cannot be used, and why."""
    from neurallnet.data.summary import summarize
    from neurallnet.dataset import open_dataset

    place = workspace(work, "smoke" if name.startswith("synthetic") else "full")
    dataset = open_dataset(name, place, data, strict=strict)
    for path, reason in dataset.manifest.rejected[["path", "reason"]].itertuples(index=False):
        typer.echo(f"not used: {path}: {reason}", err=True)
    typer.echo(summarize(dataset.frame).to_string())
    typer.echo(f"manifest: {place.manifests / name / 'manifest.csv'} (sha256 {dataset.digest[:12]})")


@data_app.command("datasheet")
def data_datasheet(
    name: Annotated[str, typer.Argument(help="a data set of `data list`")] = "synthetic",
    data: DataOption = None,
    work: WorkOption = None,
) -> None:
    """What a set holds, where it comes from and what is wrong with it, as markdown; counts come from the files."""
    from neurallnet.data.datasheet import datasheet
    from neurallnet.data.sources import get_source
    from neurallnet.dataset import open_dataset

    place = workspace(work, "smoke" if name.startswith("synthetic") else "full")
    dataset = open_dataset(name, place, data)
    typer.echo(datasheet(dataset, get_source(name, dataset.root)), nl=False)


@app.command()
def train(
    profile: Annotated[Profile | None, typer.Option(help="smoke: synthetic smears, minutes (default); full: real images")] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help=f"Folder of images; your own: one subfolder per class (env for full: {DATA_VARIABLE})"),
    ] = None,
    work: WorkOption = None,
    set_: SetOption = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="passes over the training images")] = None,
    seed: Annotated[int, typer.Option(help="of weights, order and augmentation")] = 0,
    evaluate_after: Annotated[bool, typer.Option("--evaluate", help="also read the test images, once, and log it")] = False,
    strict: Annotated[bool, typer.Option(help="stop when an image cannot be read, naming the first ones")] = False,
) -> None:
    """Train one network, or resume or reuse the run that the same settings address.

    With --data and a folder of your own images, one subfolder per class, it trains on them, tests, and writes a report.
    """
    from neurallnet.dataset import rejected_images
    from neurallnet.own import choose_source
    from neurallnet.own.command import train_own
    from neurallnet.runs import evaluate_run, train_run

    sections = parsed(set_ or [])
    if epochs:
        sections.setdefault("train", {})["epochs"] = epochs
    choice = choose_source(data, profile and profile.value, sections.get("data", {}).get("source"))
    if choice.own:
        train_own(data, workspace(work, "own"), sections, seed, strict)
        return
    if choice.said:
        typer.echo(choice.said, err=True)
    if choice.source:
        sections.setdefault("data", {})["source"] = choice.source
    place = workspace(work, choice.profile)
    config = with_changes(profile_config(choice.profile), **sections, seed=seed)
    run = train_run(config, place, data, strict=strict)
    if refused := rejected_images(place, config.data.source):
        typer.echo(f"not used: {refused} files, see {place.manifests / config.data.source / 'rejected.csv'}", err=True)
    record = run.record
    if evaluate_after:
        evaluate_run(run, place, data, why="neurallnet train --evaluate")
        _print_metrics(run.predictions("test"), record["profile"])
    typer.echo(f"run: {run.folder} ({record['parameters']:,} parameters, {record['epochs']} epochs)")


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="the folder of an evaluated run")]) -> None:
    """Write a run's one-page report again, from the files in its folder alone."""
    from neurallnet.report import write_report
    from neurallnet.runs import open_run

    typer.echo(f"report: {write_report(open_run(folder))} (not a medical device)")


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(help="a run's folder")],
    data: DataOption = None,
    work: WorkOption = None,
    why: Annotated[str, typer.Option(help="reason, kept in the log of test-set readings")] = "neurallnet evaluate",
) -> None:
    """Read a run's test images, once, and print the metrics."""
    from neurallnet.runs import evaluate_run, open_run

    run = open_run(folder)
    _print_metrics(evaluate_run(run, workspace(work or run.home), data, why), run.record["profile"])


@app.command()
def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="IMAGE|FOLDER...", help="8-bit RGB images; folders are searched through")],
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="write the table here")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write a list of predictions here")] = None,
    explain: Annotated[
        Path | None, typer.Option("--explain", metavar="DIR", help="write a PNG per image: what spoke for its class (Grad-CAM)")
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", metavar="FOLDER", help="a run of your own, not the shipped network")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="images in memory at once; changes no prediction")] = 64,
) -> None:
    """Predict the class of images, and say which are unlike the training images. Not a medical device.

    Exit code 0: every file was read; 1: some were not, and the table says why; 2: nothing was done.
    """
    from neurallnet.predicting.command import predict_command

    raise typer.Exit(predict_command(paths, csv, json_file, explain, run, batch_size))


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the file to write; its ending, .onnx or .nir, chooses the format")],
    format_: Annotated[
        str | None, typer.Option("--format", help="onnx, onnx-int8, onnx-dynamic or nir [default: by the ending of OUT]")
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", metavar="FOLDER", help="a run of your own, not the shipped network")] = None,
    details: Annotated[bool, typer.Option("--details", help="ONNX: also step logits, spike rates and gates as outputs")] = False,
    data: DataOption = None,
    work: WorkOption = None,
) -> None:
    """Write the network for another runtime, compared with torch: ONNX in float32 or 8 bits, or NIR for neuromorphic tools.

    onnx-int8 takes its ranges from training images in --data, else from drawn smears, and says which.
    """
    from neurallnet.exporting_command import export as write

    write(out, format_, run, details, data, work)


@app.command()
def reproduce(
    profile: ProfileOption = Profile.smoke,
    data: DataOption = None,
    work: WorkOption = None,
    target: Annotated[str, typer.Option(help="runs, notebooks or book")] = "book",
    published: Annotated[bool, typer.Option("--published", help="full: start from the runs in results/, train the rest")] = False,
) -> None:
    """Everything in order: data, runs, notebooks, book. What is up to date is kept."""
    from neurallnet.reproduce import reproduce as run_workflow

    typer.echo(f"{target}: {run_workflow(profile.value, data, work, target, published=published)}")


@app.command()
def bench(
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write all figures here")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="seconds instead of minutes: shows that it works, little more")] = False,
    sections: Annotated[
        str | None, typer.Option(help="comma-separated: training,growth,memory,latency,peak,energy [default: all]")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="a run's folder: its network, and its validation images for energy")] = None,
    data: DataOption = None,
    work: WorkOption = None,
) -> None:
    """Measure speed, memory and energy, each beside what you might use instead; alternated in one run."""
    from neurallnet.profiling.command import bench as measure

    measure(json_file, quick, sections, run, data, work)


@app.command()
def audit(
    name: Annotated[str, typer.Argument(help="a data set of `data list`")] = "synthetic",
    against: Annotated[list[str] | None, typer.Option("--against", help="another set to look for in it; repeatable")] = None,
    data: DataOption = None,
    work: WorkOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write all findings here")] = None,
) -> None:
    """Look for what a split would leak: duplicates, frames of one field, images of another set, sessions."""
    from neurallnet.audit.command import audit as look

    look(name, against or [], data, work, json_file)


@app.command()
def verify(
    results: Annotated[Path | None, typer.Option(help="the folder results/ [default: of this checkout]")] = None,
    allow_stale: Annotated[bool, typer.Option("--allow-stale", help="accept notebooks of another state of the package")] = False,
) -> None:
    """Recompute every published figure from committed predictions, without images or training; fail on any drift."""
    from neurallnet.verify import command

    raise typer.Exit(command(results, allow_stale))


def changed(config: RunConfig, assignments: list[str], seed: int) -> RunConfig:
    """`config` with "section.key=value" assignments applied; values are JSON, or else text. Raises ConfigError."""
    return with_changes(config, **parsed(assignments), seed=seed)


def parsed(assignments: list[str]) -> dict[str, dict[str, Any]]:
    """Sections of a RunConfig from "section.key=value" assignments. Raises ConfigError."""
    sections: dict[str, Any] = {}
    for assignment in assignments:
        key, found, text = assignment.partition("=")
        section, dot, name = key.partition(".")
        if section == "seed":
            raise ConfigError(f"--set {assignment!r}: the seed of the run is the option --seed")
        if not (found and dot and name):
            raise ConfigError(f"--set {assignment!r}: write section.key=value, e.g. model.time_steps=4")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        sections.setdefault(section, {})[name] = value
    return sections


def _print_metrics(predictions: Any, profile: str) -> None:
    from neurallnet.evaluation.intervals import wilson_interval
    from neurallnet.evaluation.metrics import metrics

    found = metrics(predictions)
    interval = wilson_interval(found["correct"], found["n"])
    label = "SYNTHETIC images, no evidence about leukemia: " if profile == "smoke" else ""
    typer.echo(
        f"{label}accuracy {found['accuracy']:.4f} (95% Wilson {interval.low:.4f}-{interval.high:.4f}, n = {found['n']} images), "
        f"balanced accuracy {found['balanced_accuracy']:.4f}"
    )


def main() -> None:
    """Entry point: an error that the user can mend becomes one line and exit code 2."""
    try:
        app()
    except NeurallnetError as error:
        typer.echo(f"neurallnet: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        typer.echo(f"neurallnet: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
