"""One self-contained page about a run, computed from the files in its folder alone: no network, no images."""

from pathlib import Path

from neurallnet.data.tables import write_text
from neurallnet.report.facts import IMAGES, NOTES, REJECTED, report_facts
from neurallnet.report.page import page
from neurallnet.runs import Run

__all__ = ["IMAGES", "NOTES", "REJECTED", "REPORT", "page", "report_facts", "write_report"]

REPORT = "report.html"


def write_report(run: Run) -> Path:
    """Write report.html into the run's folder; returns its path. Raises RunError when the run was not evaluated."""
    path = run.folder / REPORT
    write_text(page(report_facts(run)), path)
    return path
