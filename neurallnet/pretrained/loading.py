"""From files to a network ready to predict: the weights shipped with the package, or those of a finished run."""

import hashlib
import json
from pathlib import Path
from typing import Any

from neurallnet.checkpoints import load_weights
from neurallnet.config import run_config
from neurallnet.errors import ConfigError, RunError
from neurallnet.networks import build_model
from neurallnet.ood.model import OOD_FILE, load_ood
from neurallnet.pretrained.bundle import FORMAT, Pretrained, run_card
from neurallnet.runs import open_run

FOLDER = Path(__file__).resolve().parent
NAMES = ("committee",)  # networks that ship with the package
NEEDED = {"classes", "config", "image_size", "scale_bar", "sha256", "temperature"}  # of a card
REINSTALL = "install neurallnet again"


def load_pretrained(name: str = NAMES[0], folder: Path | str = FOLDER) -> Pretrained:
    """The network called `name`, shipped with the package; reads three small files and no network connection.

    Every byte of weights and out-of-distribution model is checked against the card. Raises ConfigError for a name that does not
    ship, RunError for a file that is missing or damaged.

    >>> load_pretrained().classes
    ('Benign', 'Early', 'Pre', 'Pro')
    """
    if name not in NAMES:
        raise ConfigError(f"pretrained network {name!r} is unknown; choose one of {', '.join(NAMES)}, or load_run_model(folder)")
    folder = Path(folder)
    card = read_card(folder / f"{name}.json")
    paths = {file: checked(folder / file, digest) for file, digest in card["sha256"].items()}
    weights, ood = paths[f"{name}.safetensors"], paths.get(f"{name}-ood.safetensors")
    model = build_model(run_config(card["config"]).model)
    load_weights(weights, model)
    return _bundle(name, model, ood and load_ood(ood), card)


def load_run_model(folder: Path | str) -> Pretrained:
    """The network of the finished run in `folder`, with its out-of-distribution model where it has one.

    Raises RunError when there is no finished run or a file of it is missing or damaged.
    """
    run = open_run(folder)
    model = run.model()
    ood = run.folder / OOD_FILE
    ood_model = load_ood(ood) if ood.exists() else None
    return _bundle(run.address, model, ood_model, run_card(run, ood_model))


def read_card(path: Path) -> dict[str, Any]:
    """The card in `path`; raises RunError when it is missing, damaged or of another format."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path}: the card of the shipped weights is missing; {REINSTALL}") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: the card of the shipped weights is damaged ({error}); {REINSTALL}") from None
    whole = isinstance(card, dict) and card.get("format") == FORMAT and card.keys() >= NEEDED
    if not whole or f"{path.stem}.safetensors" not in card["sha256"]:
        raise RunError(f"{path}: no card of format {FORMAT}; {REINSTALL}")
    return card


def checked(path: Path, digest: str) -> Path:
    """`path`, when its bytes have the sha256 `digest`; raises RunError otherwise."""
    try:
        found = sha256(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}); {REINSTALL}") from None
    if found != digest:
        raise RunError(f"{path}: is damaged: its sha256 is {found[:12]}..., the card says {digest[:12]}...; {REINSTALL}")
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _bundle(name: str, model: Any, ood: Any, card: dict[str, Any]) -> Pretrained:
    view = tuple(card["classes"]), card["image_size"], card["scale_bar"], card["temperature"]
    return Pretrained(name, model.eval(), *view, ood, card)
