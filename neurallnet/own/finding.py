"""Whose images lie in the folder that a user names: those of a published set, or the user's own.

Published sets are known by the folders they are unpacked into and by their file names. Any other folder whose subfolders hold
images is the user's, also when its classes are called like those of a published set.
"""

from pathlib import Path
from typing import NamedTuple

from neurallnet.data.listing import class_folders, has_images, normalized
from neurallnet.data.source import Source
from neurallnet.data.sources import SOURCES
from neurallnet.errors import DataError
from neurallnet.paths import data_root

OWN = "folder"  # the source of a user's own images
_PUBLISHED_FILES = ("wbc-",)  # how files of a set begin whose class folders have everyday names
_USUAL = {normalized(Path(f).parts[0]) for s in SOURCES.values() for f in s.folders if f}


class Choice(NamedTuple):
    """`profile` to start from, `source` to train on (None: the profile's), `own`: whether they are the user's images, and
    `said`: what the user should know of it.
    """

    profile: str
    source: str | None
    own: bool
    said: str = ""


def choose_source(data: Path | str | None, profile: str | None, source: str | None = None) -> Choice:
    """What `neurallnet train` trains on, from its options; `source` is that of --set data.source, `profile` None when not given.

    A named profile is taken at its word, except that profile full of a folder without its images trains on the folder itself.
    Raises DataError for a folder that holds no set with labels.
    """
    if data is None or (source not in (None, OWN)):
        return Choice(profile or "smoke", source, False)
    top = data_root(data)
    if source == OWN:
        return Choice(profile or "full", OWN, profile is None)
    if profile == "smoke":
        said = f"profile smoke draws its images: {top} is not used; to train on it, leave --profile out"
        return Choice("smoke", None, False, said)
    found = known_set(top)
    if profile == "full":
        own = found is None and not _profile_set(top) and bool(folders_with_images(top))
        return Choice("full", OWN if own else None, own)
    if found is None:
        return Choice("full", OWN, True)
    if not SOURCES[found].classes:
        raise DataError(f"{top}: images of {found} have no labels; name a folder with one subfolder of images per class")
    said = f"source: {found}, profile full; if these are your own images, add --set data.source={OWN}"
    return Choice("full", found, False, said)


def known_set(top: Path) -> str | None:
    """Name of a published set that lies below `top` or is `top`; None when there is none. Raises DataError for no folder.

    A set with labels goes before one without.
    """
    top = Path(top)
    published = [s for s in SOURCES.values() if s.name != OWN and not s.lab]
    labelled = [s for s in published if s.classes]
    for source in labelled:
        below = any(source.accepts(top / folder) for folder in source.folders if folder)
        if below or _is_itself(source, top):
            return source.name
    pictured = folders_with_images(top)
    if pictured and {normalized(name) for name in pictured} <= _USUAL:
        return next((s.name for s in published if any(s.accepts(top / f) for f in s.folders if f)), None)
    return None


def folders_with_images(top: Path) -> list[str]:
    """Names of the folders directly below `top` that directly hold files named like images, sorted."""
    return [name for name in class_folders(Path(top)) if has_images(Path(top) / name)]


def _is_itself(source: Source, top: Path) -> bool:
    """Whether `top` is the set: its class folders and no others, with its files where the folders have everyday names."""
    if not source.accepts(top):
        return False
    if source.layout:
        return True
    folders = class_folders(top)
    if {normalized(name) for name in folders} != set(dict(source.names)):
        return False
    named_apart = any("[" in name for name, _ in source.names)
    return named_apart or all(_has_published_file(top / name) for name in folders)


def _has_published_file(folder: Path) -> bool:
    return any(entry.name.casefold().startswith(_PUBLISHED_FILES) for entry in folder.iterdir())


def _profile_set(top: Path) -> bool:
    """Whether profile full finds its images in `top`, by the folder names it knows."""
    source = SOURCES["taleqani"]
    return any(source.accepts(top / folder if folder else top) for folder in source.folders)
