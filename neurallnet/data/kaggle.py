"""Kaggle downloads with the user's own account; nothing is redistributed by this project."""

import os
from pathlib import Path

from neurallnet.errors import DataError

_CREDENTIALS = (
    "make a token at https://www.kaggle.com/settings and set KAGGLE_USERNAME and KAGGLE_KEY "
    "(or save ~/.kaggle/kaggle.json)"
)


def fetch(handle: str) -> Path:
    """Download data set `owner/name` into kagglehub's cache, or find it there; its folder.

    Raises DataError when kagglehub is missing, the user is not signed in or may not, or the network does not
    answer.
    """
    try:
        import kagglehub
    except ImportError:
        raise DataError(
            f"{handle}: kagglehub is not installed; run: pip install 'kagglehub>=0.3.6'"
        ) from None
    try:
        return Path(kagglehub.dataset_download(handle))
    except Exception as error:  # kagglehub passes on whatever its HTTP layer, the archive or the disk raised
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403) or type(error).__name__ in {"UnauthenticatedError", "CredentialError"}:
            raise DataError(f"{handle}: Kaggle refused the download ({detail}); {_CREDENTIALS}") from None
        raise DataError(
            f"{handle}: the download from Kaggle failed ({detail}); check the network, and if Kaggle "
            f"asks you to sign in, {_CREDENTIALS}"
        ) from None


def downloaded(handle: str) -> Path | None:
    """The newest complete version of `owner/name` in kagglehub's cache, or None; uses no network."""
    chosen = os.environ.get("KAGGLEHUB_CACHE")
    top = Path(chosen) if chosen else Path.home() / ".cache" / "kagglehub"
    versions = top / "datasets" / handle / "versions"
    if not versions.is_dir():
        return None
    complete = [
        p
        for p in versions.iterdir()
        if p.name.isdigit() and (versions.parent / f"{p.name}.complete").is_file()
    ]
    return max(complete, key=lambda p: int(p.name), default=None)
