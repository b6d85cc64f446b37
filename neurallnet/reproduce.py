"""Runs workflow/Snakefile: training runs, notebooks in order, the book. What is up to date is kept."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from neurallnet.arms import arms
from neurallnet.config import profile_config
from neurallnet.data.tables import write_text
from neurallnet.dataset import open_dataset
from neurallnet.errors import ConfigError, RunError
from neurallnet.paths import DATA_VARIABLE, WORK_VARIABLE, Workspace, data_root, repository, workspace
from neurallnet.restore import restore

TARGETS = ("runs", "notebooks", "book")


def reproduce(
    profile: str = "smoke",
    data: Path | str | None = None,
    work: Path | str | None = None,
    target: str = "book",
    cores: int | None = None,
    published: bool = False,
) -> Path:
    """Bring `target` (one of TARGETS) of `profile` up to date; the folder or page to look at.

    `data`: folder of real images (default $NEURALLNET_DATA); `work`: default $NEURALLNET_WORK, else
    `work/<profile>` in the checkout, so that no page finds another profile's evidence; `cores`: default all
    of them, and every run takes them all, so that one heavy job runs at a time; `published`: start from the
    runs in results/full that the workspace lacks.

    Raises ConfigError for an unknown profile or target, DataError for a missing folder, and RunError when a
    step fails, when the same work is under way in another process, or when this is no checkout with its
    `book` extra.
    """
    profile_config(profile)
    if target not in TARGETS:
        raise ConfigError(f"target {target!r} is unknown; choose one of {', '.join(TARGETS)}")
    top = repository()
    if top is None:
        raise RunError("reproduce needs the repository (notebooks, workflow); clone it and run it there")
    if find_spec("snakemake") is None:
        raise RunError("snakemake is not installed; run: pip install -c requirements.lock -e '.[book]'")
    folder = workspace(work, profile).root
    folder.mkdir(parents=True, exist_ok=True)
    if published and profile != "full":
        raise ConfigError(f"only runs of profile full are published, none of {profile}; leave out --published")
    source = profile_config(profile).data.source
    images = None if source.startswith("synthetic") else data_root(data)
    environment = {**os.environ, WORK_VARIABLE: str(folder)}
    if images is not None:
        environment[DATA_VARIABLE] = str(images)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(top / "workflow" / "Snakefile")]
    command += ["--directory", str(folder), "--cores", str(cores or os.cpu_count() or 1)]
    command += ["--rerun-incomplete", "--nolock", "--quiet", "all", "--config", f"profile={profile}", "--", target]
    try:
        # Held by the process, unlike Snakemake's own lock, which a killed run leaves behind.
        with FileLock(folder / ".reproduce.lock", timeout=0):
            digest = stamp_images(workspace(folder), source, images)
            if published:
                restore(top / "results" / "full", workspace(folder), digest)
            stamp_runs(workspace(folder), profile, digest)
            status = subprocess.run(command, env=environment).returncode
    except Timeout:
        raise RunError(f"{folder}: another process works here; wait for it, or name another --work") from None
    if status:
        raise RunError(f"{target} of profile {profile} stopped at the error above; mend it and run this again")
    return top / "_build" / "html" / "index.html" if target == "book" else folder / target


def stamp_images(work: Workspace, source: str, images: Path | None) -> str:
    """Look at the images (drawing synthetic ones), and rewrite stamps/manifest.txt when they are not what it says; their digest."""
    stamp, digest = work.root / "stamps" / "manifest.txt", open_dataset(source, work, images).digest
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        write_text(digest, stamp)
    return digest


def stamp_runs(work: Workspace, profile: str, digest: str) -> list[Path]:
    """Stamp the runs of `profile` on the images of `digest` that are finished, so that the workflow starts no process for them.

    Returns the new stamps; those that are there stay as they are.
    """
    finished = {path.parent.name for path in work.runs.glob(f"*-{digest[:8]}/run.json")}
    wanted = [(name, config.digest()) for name, config in arms(profile)]
    stamps = [work.root / "stamps" / f"{name}-{address}.done" for name, address in wanted if f"{address}-{digest[:8]}" in finished]
    missing = [stamp for stamp in stamps if not stamp.exists()]
    for stamp in missing:
        write_text("", stamp)
    return missing
