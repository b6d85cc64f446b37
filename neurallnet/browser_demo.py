"""What the book's page "Try it in your browser" needs: the exported network, onnxruntime-web, our JavaScript, drawn examples.

Everything is made at build time in _build and nothing is committed. Without Node the page says how to get the demo.

    app.inc         the markup the page includes: the demo, or the reason why there is none
    *.js, demo.css  from web/demo
    ort*            two files of onnxruntime-web
    model.onnx      the shipped network, with its out-of-distribution score as an output
    manifest.json   what the page must know, and what Python says of each example
    *.png           one SYNTHETIC smear of each class
"""

import hashlib
import html
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

from neurallnet.browser_packages import installed_packages
from neurallnet.errors import NeurallnetError, RunError

RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")  # the smallest pair that runs on one thread
MARKUP = "app.inc"


def build_demo(top: Path) -> Path:
    """Bring `top`/_build/demo up to date and return it; with MARKUP alone, which gives the reason, when it cannot be made."""
    folder = top / "_build" / "demo"
    try:
        packages = installed_packages(top / "web", top / "_build" / "npm")
        missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
        if missing:
            raise RunError(f"{', '.join(missing)} not installed; run pip install 'neurallnet[export]'")
        return _assemble(folder, packages, top)
    except NeurallnetError as error:
        folder.with_suffix(".txt").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / MARKUP).write_text(absence(str(error)), encoding="utf-8")
        return folder


def absence(reason: str) -> str:
    """The markup that stands where the demo would."""
    return (
        '<div class="admonition warning" id="demo-absent">\n'
        '<p class="admonition-title">The demo is not in this copy of the book</p>\n'
        f"<p>When the book was built: {html.escape(reason)}.</p>\n"
        "<p>Building the demo takes Node 20 or newer, which brings npm, and a network connection the first time. Then run "
        "<code>make book</code> again.</p>\n</div>\n"
    )


def _assemble(folder: Path, packages: Path, top: Path) -> Path:
    sources = sorted(path for path in (top / "web" / "demo").iterdir() if path.is_file())
    runtime = [packages / "onnxruntime-web" / "dist" / name for name in RUNTIME]
    package = top / "neurallnet"
    made_of = [*sources, packages.parent / "package-lock.json", *package.rglob("*.py"), *package.glob("pretrained/*.safetensors")]
    stamp, wanted = folder.with_suffix(".txt"), _digest(sorted(made_of))
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and folder.is_dir():
        return folder
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in [*sources, *runtime]:
        shutil.copyfile(path, folder / (MARKUP if path.name == "app.html" else path.name))
    from neurallnet.browser_model import write_network  # torch is slow to import, and a book that is up to date needs none

    write_network(folder)
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def _digest(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(json.dumps([path.name, hashlib.sha256(path.read_bytes()).hexdigest()]).encode())
    return total.hexdigest()
