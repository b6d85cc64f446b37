"""What `neurallnet predict` does: everything that can be found out beforehand is; then files are read one batch after another."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import typer
from tqdm import tqdm

from neurallnet.data.listing import printable
from neurallnet.errors import ConfigError, DataError
from neurallnet.explain.gradcam import block_of
from neurallnet.predicting.api import predict_files
from neurallnet.predicting.inputs import find_images
from neurallnet.predicting.overlays import overlay_paths, write_overlay
from neurallnet.predicting.prediction import Prediction, failure
from neurallnet.predicting.tables import screen_line, screen_lines, write_csv, write_json
from neurallnet.pretrained import NOTICE, Pretrained, load_pretrained, load_run_model


def predict_command(
    paths: Sequence[Path], csv: Path | None, json: Path | None, explain: Path | None, run: Path | None, batch_size: int
) -> int:
    """Predict, print and write; returns 0 when every file has an answer, else 1.

    Raises DataError, RunError or ConfigError, before any picture is read, for a path that does not exist, a folder without
    images, an output that cannot be written and a network that is not there.
    """
    files = find_images(paths, explain)
    check_outputs(files, csv, json, explain)
    network = load_pretrained() if run is None else load_run_model(run)
    if explain is not None:
        block_of(network.model)  # raises ConfigError for a network without maps to explain
    answers = _predict(files, network, explain, batch_size)
    if csv is not None:
        write_csv(csv, answers, network.classes)
    if json is not None:
        write_json(json, answers)
    written = [str(path) for path in (csv, json, explain) if path is not None]
    return _report(answers, network, written)


def _predict(files: list[Path], network: Pretrained, explain: Path | None, batch_size: int) -> list[Prediction]:
    """The answers, each printed as it comes."""
    head, form = screen_lines([printable(str(file)) for file in files], network.classes)
    typer.echo(head)
    overlays, answers = [] if explain is None else overlay_paths(files, explain), []
    stream = predict_files(files, network, batch_size)
    with tqdm(total=len(files), desc="predicting", unit="image", leave=False, disable=None) as bar:
        for place, answer in enumerate(stream):
            if overlays and answer.error is None:
                try:
                    write_overlay(overlays[place], files[place], answer, network)
                except DataError as error:  # the file has changed since it was read
                    answer = failure(answer.file, f"could not be read again for its explanation: {error}")
                except OSError as error:  # a name with .png behind it that is too long, a full disk
                    answer = failure(answer.file, f"its explanation could not be written: {error}")
            answers.append(answer)
            bar.clear()
            typer.echo(screen_line(form, answer))
            bar.update()
    return answers


def _report(answers: Sequence[Prediction], network: Pretrained, written: Sequence[str]) -> int:
    """Say what was found, written and left without an answer; 0 when every file has one, else 1."""
    failed = sum(answer.error is not None for answer in answers)
    flagged = sum(answer.out_of_distribution is True for answer in answers)
    for path in written:
        typer.echo(f"written: {path}")
    typer.echo(f"{len(answers)} files, {len(answers) - failed} predicted by {network.name}. {NOTICE}")
    if network.card["trained_on"]["synthetic"]:
        typer.echo("SYNTHETIC: this network learned from drawn images; its answers say nothing about leukemia.")
    if flagged:
        typer.echo(
            f"warning: {flagged} of {len(answers)} images are unlike those the network was trained on; do not rely on its answers",
            err=True,
        )
    if network.ood is None:
        typer.echo("warning: this network cannot tell images that are unlike those it was trained on", err=True)
    if failed:
        typer.echo(f"warning: {failed} of {len(answers)} files have no answer; the table says why", err=True)
    return 1 if failed else 0


def check_outputs(files: Sequence[Path], csv: Path | None, json: Path | None, explain: Path | None) -> None:
    """Raise ConfigError for outputs that would overwrite each other or an input, DataError for one that cannot be written."""
    inputs = {file.resolve() for file in files}
    tables = [path for path in (csv, json) if path is not None]
    if len({path.resolve() for path in tables}) < len(tables):
        raise ConfigError(f"{csv}: --csv and --json name the same file; give two")
    for path in tables:
        if path.resolve() in inputs:
            raise ConfigError(f"{path}: is one of the images; name another file for the output")
        if path.exists() and not path.is_file():
            raise DataError(f"{path}: is not a regular file; name another for the output")
        _check_folder(path.parent)
    if explain is not None:
        _check_folder(explain)
        if taken := inputs & {path.resolve() for path in overlay_paths(files, explain)}:
            raise ConfigError(f"{min(taken)}: is one of the images and would be written over; give --explain another folder")


def _check_folder(folder: Path) -> None:
    """Make `folder` and a file in it, or raise DataError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(f"{folder}: cannot be written to: {error.strerror or error}") from None
