"""Predictions as lines on a screen, as CSV and as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from neurallnet.data.tables import write_table, write_text
from neurallnet.predicting.prediction import Prediction

WIDEST = 70  # characters of a file's name on the screen; a longer one loses its beginning
_FLAGS = {True: "unlike training images", False: "", None: "not checked"}


def screen_lines(files: Sequence[str], classes: Sequence[str]) -> tuple[str, str]:
    """The head of the table, and the format of its lines, wide enough for `files` and `classes`."""
    name = min(WIDEST, max(len("file"), *map(len, files)))
    label = max(len("predicted"), *map(len, classes))
    form = f"{{:{name}}}  {{:{label}}}  {{:>10}}  {{}}"
    return form.format("file", "predicted", "confidence", "flag"), form


def screen_line(form: str, answer: Prediction) -> str:
    """One answer in the format of `screen_lines`."""
    name = answer.file or ""
    name = name if len(name) <= WIDEST else "..." + name[3 - WIDEST :]
    if answer.error is not None:
        return form.format(name, "-", "-", f"ERROR: {answer.error}").rstrip()
    return form.format(name, answer.predicted, f"{answer.confidence:.1%}", _FLAGS[answer.out_of_distribution]).rstrip()


def write_csv(path: Path, answers: Sequence[Prediction], classes: Sequence[str]) -> None:
    """Columns file, predicted, confidence, p_<class>, out_of_distribution (true, false or empty), error; raises DataError."""
    rows = [
        {
            "file": answer.file,
            "predicted": answer.predicted or "",
            "confidence": "" if answer.confidence is None else f"{answer.confidence:.6g}",
            **{f"p_{name}": f"{answer.probabilities[name]:.6g}" if answer.probabilities else "" for name in classes},
            "out_of_distribution": "" if answer.out_of_distribution is None else str(answer.out_of_distribution).lower(),
            "error": answer.error or "",
        }
        for answer in answers
    ]
    write_table(pd.DataFrame(rows), path)


def write_json(path: Path, answers: Sequence[Prediction]) -> None:
    """A list of objects with the keys of `Prediction.to_dict`; raises DataError."""
    text = json.dumps([answer.to_dict() for answer in answers], indent=2, ensure_ascii=False, allow_nan=False)
    write_text(text + "\n", path)
