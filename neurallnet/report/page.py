"""The report as one HTML text: everything inside, no script, no other host, no pixel of an image."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from neurallnet.evaluation import Interval
from neurallnet.evidence import canonical_json
from neurallnet.report.figures import curve, recalls
from neurallnet.report.template import PAGE

SHOWN = 100  # files not used that are named on the page
_FOLDS = {"train": "training", "val": "validation", "test": "test", "unused": "unused"}
_SYNTHETIC = (
    '<p class="note"><strong>SYNTHETIC.</strong> Every image behind this page was drawn by a generator. The numbers show that the '
    "software runs; they say nothing about leukemia.</p>"
)


def page(facts: Mapping[str, Any]) -> str:
    """The page of `report.report_facts`; equal facts give equal text."""
    return PAGE.substitute(
        title=f"Report on a network trained on “{_text(facts['folder'])}”",
        synthetic=_SYNTHETIC if facts["synthetic"] else "",
        headline=headline(facts),
        confusion=confusion(facts["metrics"]),
        classes=class_table(facts),
        recalls=recalls(facts),
        training=training(facts),
        calibration=calibration(facts["calibration"], facts["metrics"]["n"]),
        limits=limits(facts),
        rejected=rejected(facts["rejected"]),
        provenance=provenance(facts),
    )


def headline(facts: Mapping[str, Any]) -> str:
    found = facts["metrics"]
    rows = [[row["name"], unit(row["interval"]), f"{row['value']:.1%}", ends(row["interval"])] for row in facts["headline"]]
    return (
        f'<p><span class="big">{found["correct"]:,} of {found["n"]:,}</span> test images named right. Naming the most frequent '
        f"class every time would give {facts['majority']:.1%}.</p>"
        + table(["Measure", "Interval: how, and over what", "Value", "95% interval"], rows, texts=2)
    )


def confusion(found: Mapping[str, Any]) -> str:
    """A table of counts: true class in rows; the diagonal is right. Shades repeat what the numbers say."""
    names = [_text(name) for name in found["classes"]]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = []
    for row, (name, counts) in enumerate(zip(names, found["confusion"], strict=True)):
        cells = []
        for column, count in enumerate(counts):
            share = count / sum(counts) if sum(counts) else 0
            kind = "good" if row == column else "bad"
            cells.append(f'<td class="cell" style="background: rgba(var(--{kind}), {0.45 * share:.2f})">{count:,}</td>')
        body.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}<td>{sum(counts):,}</td></tr>')
    return framed(
        f'<thead><tr><th scope="col">True class</th>{head}<th scope="col">all</th></tr></thead><tbody>{"".join(body)}</tbody>',
        "Test images by true class (rows) and class named by the network (columns); the diagonal is right.",
    )


def class_table(facts: Mapping[str, Any]) -> str:
    counted = [row for row in facts["classes"] if row["counts"] is not None]
    folds = [fold for fold in _FOLDS if any(row["counts"][fold] for row in counted)]
    rows = []
    for row in facts["classes"]:
        counts = [f"{row['counts'][fold]:,}" for fold in folds] if row["counts"] else []
        shares = ["none" if row[key] is None else f"{row[key]:.1%}" for key in ("recall", "precision")]
        rows.append([row["name"], *(counts or [f"{row['n']:,}"]), shares[0], ends(row["interval"]), shares[1]])
    head = ["Class", *([_FOLDS[fold] for fold in folds] or ["test"]), "recall", "95% interval", "precision"]
    units = sorted({unit(row["interval"]) for row in facts["classes"] if row["interval"]})
    return table(head, rows, f"Images of each class, and how they were named in the test. Intervals: {'; '.join(units)}.")


def training(facts: Mapping[str, Any]) -> str:
    record = facts["record"]
    counts = ", ".join(f"{n:,} {_FOLDS.get(fold, fold)}" for fold, n in record["images"].items())
    return (
        f"<p>{record['epochs']} epochs; the averaged weights after the last were kept, so that no image chose them. "
        f"Images: {counts}. Split: {_text(facts['split'])}.</p>{curve(facts)}"
    )


def calibration(found: Mapping[str, Any], n: int) -> str:
    interval = found["interval"]
    given = "" if interval is None else f" (95% interval {interval.low:.3f} to {interval.high:.3f}, {unit(interval)})"
    lean = "more" if found["confidence"] > found["accuracy"] else "less"
    return (
        f"<p>Expected calibration error {found['ece']:.3f}{given}, {found['bins']} bins, n = {n:,} test images. On average the "
        f"network is {found['confidence']:.1%} sure and {found['accuracy']:.1%} right: {lean} sure than right. Temperature fitted "
        f"on validation images: {found['temperature']:.2f} (above 1: it is too sure).</p>"
    )


def limits(facts: Mapping[str, Any]) -> str:
    tested = facts["record"]["images"].get("test", 0)
    few = "" if tested >= 200 else f" {tested} test images are few: read the intervals, not the values."
    return (
        "<ul><li>Folders do not say whose blood an image shows. Where one patient or slide is in training and test alike, "
        f"results flatter; on new patients expect less.{few}</li>"
        "<li>Images of another laboratory, stain or microscope may be read much worse.</li>"
        f"<li>Model that flags images unlike the training images: {_text(facts['ood'])}.</li></ul>"
    )


def rejected(found: Any) -> str:
    if found is None:
        return "<p>Not known: the manifest of these images is not beside the run.</p>"
    if found.empty:
        return "<p>None: every file was read.</p>"
    rows = [list(row) for row in found.head(SHOWN).itertuples(index=False, name=None)]
    more = f"<p>And {len(found) - SHOWN:,} more, in rejected.csv.</p>" if len(found) > SHOWN else ""
    return table(["File", "Why"], rows, f"{len(found):,} files were left out.", texts=2) + more


def provenance(facts: Mapping[str, Any]) -> str:
    record = facts["record"]
    machine = record["machine"]
    rows = [
        ["Run", facts["address"]],
        ["Images (sha256 of the manifest)", record["manifest"]],
        ["Split (sha256)", record["split"]],
        ["Weights (sha256)", facts["weights"] or "not kept"],
        ["Package (sha256)", record["package"]],
        ["Parameters", f"{record['parameters']:,}"],
        ["Precision of training", record["precision"]],
        ["Machine", f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, GPU: {machine['gpu'] or 'none'}"],
        ["System", machine["system"]],
        ["Versions", ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)],
    ]
    settings = _text(canonical_json(record["config"]))
    return table(["What", "Value"], rows, texts=2) + f"<details><summary>All settings</summary><pre>{settings}</pre></details>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", texts: int = 1) -> str:
    """An HTML table that scrolls by itself; the first column names the row, the first `texts` columns are set left."""
    top = "".join(f'<th scope="col"{_left(place, texts)}>{_text(name)}</th>' for place, name in enumerate(head))
    lines = []
    for row in rows:
        cells = "".join(f"<td{_left(place, texts)}>{_text(cell)}</td>" for place, cell in enumerate(row) if place)
        lines.append(f'<tr><th scope="row">{_text(row[0])}</th>{cells}</tr>')
    return framed(f'<thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody>', caption)


def framed(rows: str, caption: str = "") -> str:
    """A table in a figure: the caption stays in sight while a wide table scrolls."""
    said = f"<figcaption>{_text(caption)}</figcaption>" if caption else ""
    return f'<figure>{said}<div class="scroll" tabindex="0"><table>{rows}</table></div></figure>'


def ends(interval: Interval | None) -> str:
    """Both ends in percent."""
    return "none: too few" if interval is None else f"{interval.low:.1%} to {interval.high:.1%}"


def unit(interval: Interval | None) -> str:
    """How an interval was made, and what was taken as independent."""
    return "" if interval is None else f"{interval.method} over {interval.unit}s"


def _left(place: int, texts: int) -> str:
    return ' class="text"' if place < texts else ""


def _text(value: object) -> str:
    return html.escape(str(value))
