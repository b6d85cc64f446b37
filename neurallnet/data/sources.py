"""Finding a data set on this computer, drawing it, or fetching it.

`locate` finds the source root, always the folder whose children are the class folders (or the images, when
unlabelled), so that a path in a manifest is the same on every computer: `Benign/WBC-Benign-001.jpg`.
`Source.find` lists its files.
"""

from dataclasses import replace
from pathlib import Path

from neurallnet.data import kaggle
from neurallnet.data.catalogue import SOURCES
from neurallnet.data.listing import class_folders, normalized, printable
from neurallnet.data.source import TRUTH, Source
from neurallnet.errors import DataError
from neurallnet.paths import DATA_VARIABLE, Workspace
from neurallnet.paths import data_root as named_data_root

__all__ = ["SOURCES", "TRUTH", "Source", "download", "get_source", "locate"]


def get_source(name: str, root: Path | None = None) -> Source:
    """The source called `name`; `folder` takes its classes from the folders below `root`. Raises DataError.

    >>> get_source("external").classes
    ('Benign', 'Early', 'Pre', 'Pro')
    """
    source = _registered(name)
    if name != "folder":
        return source
    if root is None:
        raise DataError(
            f"source 'folder' needs the folder of your images; name it with --data or {DATA_VARIABLE}"
        )
    folders = class_folders(Path(root))
    if len(folders) < 2:
        raise DataError(
            f"{root}: holds {len(folders)} class folder(s); give a folder with one subfolder of images "
            "per class"
        )
    broken = next((name for name in folders if name != printable(name)), None)
    if broken is not None:
        raise DataError(
            f"{root}: class folder {printable(broken)!r} has control characters or broken text in its "
            "name; rename it"
        )
    if len({normalized(name) for name in folders}) < len(folders):
        raise DataError(
            f"{root}: two class folders differ only in case or spaces ({', '.join(folders)}); merge or "
            "rename them"
        )
    return replace(source, classes=tuple(folders), names=tuple((normalized(name), name) for name in folders))


def _registered(name: str) -> Source:
    if name not in SOURCES:
        raise DataError(f"data source {name!r} is unknown; choose one of {', '.join(SOURCES)}")
    return SOURCES[name]


def locate(name: str, data_root: Path | None, workspace: Workspace) -> Path:
    """The source root of `name`: below `data_root`, else below $NEURALLNET_DATA, else in kagglehub's cache.

    `data_root` may be the folder that holds all sets, one set, or a folder as Kaggle unpacks it. The
    synthetic sources are drawn into the workspace on first use and ignore it. Raises DataError naming the
    places looked at.
    """
    source = _registered(name)
    if source.lab:
        return _generate(source, workspace)
    top = named_data_root(data_root)
    if name == "folder":
        get_source(name, top)  # raises when there is no folder: it has no usual place
        return top
    found = _root_below(source, top) if top else None
    if found is None and source.kaggle:
        cached = kaggle.downloaded(source.kaggle)
        found = _root_below(source, cached) if cached else None
    if found is not None:
        return found
    offer = (
        f", or fetch it with your Kaggle account: neurallnet data download {name}" if source.kaggle else ""
    )
    if top is None:
        raise DataError(
            f"source {name!r} needs real images; name their folder with --data or {DATA_VARIABLE}{offer}"
        )
    places = ", ".join(repr(folder) if folder else "the folder itself" for folder in source.folders)
    raise DataError(
        f"{top}: has no images of source {name!r}; looked for {places} below it; name another folder "
        f"with --data{offer}"
    )


def download(name: str) -> Path:
    """Fetch a published set through kagglehub with the user's own credentials; the source root. Raises
    DataError.
    """
    source = _registered(name)
    if source.kaggle is None:
        published = ", ".join(s.name for s in SOURCES.values() if s.kaggle)
        raise DataError(f"source {name!r} is not on Kaggle; the ones that are: {published}")
    folder = kaggle.fetch(source.kaggle)
    root = _root_below(source, folder)
    if root is None:
        raise DataError(
            f"{folder}: what Kaggle sent has none of the folders "
            f"{', '.join(filter(None, source.folders))}; report this"
        )
    return root


def _root_below(source: Source, top: Path) -> Path | None:
    candidates = (top / folder if folder else top for folder in source.folders)
    return next((folder for folder in candidates if source.accepts(folder)), None)


def _generate(source: Source, workspace: Workspace) -> Path:
    from neurallnet.data.synthetic import (
        SyntheticConfig,
        generate,
    )  # drawing is needed by the synthetic sources only

    root = workspace.synthetic / f"lab-{source.lab.lower()}"
    generate(root, SyntheticConfig(lab=source.lab))
    return root
