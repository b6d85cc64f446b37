"""What `neurallnet bench` does."""

from pathlib import Path
from typing import Any

import typer

from neurallnet.evidence import write_evidence
from neurallnet.profiling.bench import run_bench
from neurallnet.profiling.plan import Plan


def bench(
    json_file: Path | None, quick: bool, sections: str | None, run: Path | None, data: Path | None, work: Path | None
) -> None:
    """What the subcommand does: measure, print, and write `json_file`. Raises ConfigError, RunError, DataError."""
    subject: dict[str, Any] = {}
    if run is not None:
        subject = subject_of_run(run, data, work, Plan().energy_images)
    chosen = None if sections is None else [name.strip() for name in sections.split(",") if name.strip()]
    found = run_bench(sections=chosen, quick=quick, **subject)
    if json_file is not None:
        write_evidence(json_file, found)
    for line in report_lines(found):
        typer.echo(line)
    if json_file is not None:
        typer.echo(f"all figures: {json_file}")


def subject_of_run(folder: Path, data: Path | None, work: Path | None, count: int) -> dict[str, Any]:
    """Arguments of `run_bench` for a finished run: model, image_size, and `count` validation images spread over the fold.

    Raises RunError or DataError when the run or its images are not there.
    """
    import numpy as np
    import torch

    from neurallnet.augment import to_float
    from neurallnet.paths import workspace
    from neurallnet.runs import open_run, run_fold

    run = open_run(folder)
    config = run.config
    place = workspace(work or run.home)
    dataset, rows = run_fold(run, "val", place, data)
    chosen = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]
    images = dataset.images(config.data, place)[chosen]
    return {
        "model": run.model(),
        "image_size": config.data.image_size,
        "images": to_float(torch.from_numpy(images)).contiguous(memory_format=torch.channels_last),
    }


def report_lines(found: dict[str, Any]) -> list[str]:
    """What the terminal shows of `run_bench`'s evidence."""
    machine = found["machine"]
    load = machine["load_before"]
    lines = [
        f"{machine['cpu']}, {machine['threads']} threads, {machine['precision_auto']}, engine {machine['engine']}, "
        f"load {'unknown' if load is None else format(load[0], '.2f')} before"
        + ("; quick: these figures are no evidence" if found["quick"] else "")
    ]
    training = found.get("training")
    if training:
        lines += ["", f"Training, {training['image_size']} px, batch {training['batch']}, {training['threads']} threads"]
        lines += [_row(row) for row in training["rows"]]
        lines += [f"  {_ratio(row)}" for row in training["ratios"] if row["slow"].startswith("snntorch")]
    for table in found.get("latency", {}).get("tables", []):
        lines += ["", f"Inference, batch {table['batch']}, {table['threads']} thread{'s' * (table['threads'] > 1)}"]
        lines += [_row(row) for row in table["rows"]]
    lines += [_row(row) for row in found.get("latency", {}).get("gpu", [])]
    growth = found.get("growth", {}).get("rows", [])
    if growth:
        lines += ["", "Growth"]
        lines += [f"  {r['axis']:>18} {r['value']:>6}  {r['images_per_second']:10.1f} images/s  {r['case']}" for r in growth]
    if memory := found.get("memory", {}).get("rows", []):
        lines += ["", "Peak memory"]
        lines += [
            f"  {r['case']:45} " + (r["not_measured"] or f"{r['peak_mib']:.0f} MiB, {r['above_start_mib']:.0f} above the start")
            for r in memory
        ]
    if limits := found.get("peak", {}).get("limits", []):
        lines += ["", "What limits the speed", *(f"  {row['says']}" for row in limits)]
    if "energy" in found:
        energy = found["energy"]
        lines += ["", "Energy (models, not measurements)"]
        missing = energy["not_measured"]
        lines += [f"  not measured: {missing}"] if missing else [f"  {sentence}" for sentence in energy["says"].values()]
    return lines


def _row(row: dict[str, Any]) -> str:
    if row["not_measured"]:
        return f"  {row['case']:48} not measured: {row['not_measured']}"
    times = f"p50 {row['p50_ms']:9.2f}  p95 {row['p95_ms']:9.2f}  min {row['min_ms']:9.2f} ms"
    return f"  {row['case']:48} {times}  n {row['n']:3}  {row['images_per_second']:8.1f} images/s"


def _ratio(row: dict[str, Any]) -> str:
    spread = f"{row['low']:.1f}-{row['high']:.1f} over {row['rounds']} rounds"
    return f"{row['fast']} is {row['median']:.1f} times as fast as {row['slow']} ({spread})"
