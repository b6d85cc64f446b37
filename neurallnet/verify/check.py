"""One line of the report: what was looked at, in which file, and what is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass

from neurallnet.errors import NeurallnetError


@dataclass(frozen=True)
class Check:
    """`what` was checked in the file or folder `where`; `detail` is what was found, or the first thing that is wrong.

    recomputed: numbers computed again and found equal; measured: numbers that only their hash covers.
    """

    what: str
    where: str
    ok: bool
    detail: str = ""
    recomputed: int = 0
    measured: int = 0

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.what:10} {self.where}{': ' if self.detail else ''}{self.detail}"


def attempt(what: str, where: str, look: Callable[[], str]) -> Check:
    """The check that `look` makes: it returns what it found, or raises and thereby fails."""
    try:
        return Check(what, where, True, look())
    except Exception as error:  # a damaged file may raise anything; it fails its own check and no other
        return Check(what, where, False, said(error))


def said(error: Exception) -> str:
    """An error in one line; one this package did not raise on purpose is named by its type."""
    text = " ".join(str(error).split())[:500]
    return text if isinstance(error, NeurallnetError) else f"{type(error).__name__}: {text}"


def first_difference(found: str, wanted: str) -> str | None:
    """Where the text `found` leaves `wanted`: the first line that differs, both ways; None when they are equal."""
    if found == wanted:
        return None
    is_, should = found.splitlines(), wanted.splitlines()
    place = next((i for i, (a, b) in enumerate(zip(is_, should, strict=False)) if a != b), min(len(is_), len(should)))
    shown = [_around(lines[place], other[place] if place < len(other) else "") if place < len(lines) else "nothing"
             for lines, other in ((is_, should), (should, is_))]  # fmt: skip
    return f"line {place + 1} is {shown[0]}, not {shown[1]}"


def _around(line: str, other: str, reach: int = 40) -> str:
    """The part of a long line about its first difference from another."""
    place = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), min(len(line), len(other)))
    start, stop = max(0, place - reach), place + reach
    return repr(("..." if start else "") + line[start:stop] + ("..." if stop < len(line) else ""))
