"""JavaScript packages of the browser demo, as locked in web/package-lock.json: installed by npm into _build/npm, once per lock."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from neurallnet.errors import RunError

FILES = ("package.json", "package-lock.json", ".npmrc")
STAMP = "installed.txt"
PATIENCE = 180  # seconds for npm; a slow line, not a dead one


def installed_packages(web: Path, cache: Path) -> Path:
    """The node_modules folder in `cache` with exactly what the lock in `web` names; nothing is done when it is there already.

    No package's own scripts are run (web/.npmrc). Raises RunError when npm is missing or fails; the message says what to do.
    """
    digest = hashlib.sha256(b"".join((web / name).read_bytes() for name in FILES)).hexdigest()
    stamp = cache / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return cache / "node_modules"
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise RunError("npm was not found")
    cache.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)  # a kill from here on leaves no claim that the folder is whole
    for name in FILES:
        shutil.copyfile(web / name, cache / name)
    try:
        settings = {"cwd": cache, "capture_output": True, "text": True, "timeout": PATIENCE, "stdin": subprocess.DEVNULL}
        result = subprocess.run([npm, "ci", "--prefer-offline"], env={**os.environ, "CI": "true"}, **settings)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunError(f"npm ci did not finish ({type(error).__name__}); check the network connection") from None
    if result.returncode:
        said = next((line for line in result.stderr.splitlines() if line.strip()), "no message")
        raise RunError(f"npm ci failed ({said.strip()}); check the network connection and that Node is version 20 or newer")
    stamp.write_text(digest, encoding="utf-8")
    return cache / "node_modules"
