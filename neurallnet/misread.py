"""Images that every network asked gets wrong: where a second reading of the label, or of the slide, would pay.

Under the session protocol every image is a test image once per seed, for every network. One that all of them misread is unlike
its class in the other slides, or its label is wrong; predictions cannot tell which. Neighbours in file order that are misread
together point at a slide rather than at an image.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from neurallnet.arms import SHIPPED
from neurallnet.config import SplitConfig
from neurallnet.leak import RANDOM, SESSION, held_out, network_arms
from neurallnet.study import Study

READERS = (SHIPPED, "dense", "small-cnn")  # networks that learned the images well: what one reads at chance says nothing of them
NEAR = SplitConfig().embargo  # numbers between two of one stretch at most: the images of one patient, on average


def misread_report(study: Study) -> dict[str, Any]:
    """Evidence of chapter 06: for each protocol the runs asked, and `misread` of their test predictions.

    The networks are those of READERS that the profile trains under both protocols, so that the two can be compared.
    """
    order, found = study.dataset().frame.set_index("path")["order"], {}
    protocols = RANDOM, SESSION
    names = [name for name in READERS if all(network_arms(study.profile, each, name) for each in protocols)]
    for protocol in protocols:
        tables = {name: held_out(study, protocol, name) for name in names}
        found[protocol] = {"networks": {name: table["seed"].nunique() for name, table in tables.items()}, **misread(tables, order)}
    return {**found, "manifest": study.dataset().digest}


def misread(tables: Mapping[str, pd.DataFrame], order: pd.Series) -> dict[str, Any]:
    """Of `held_out` tables by network: how many images some run and every run gets wrong, and the latter in file order, each with
    the class it is mostly called and the mean probability of its label. `order`: path -> number within its class.

    Only images that every network was tested on count.
    """
    parts = [table.assign(network=name) for name, table in tables.items()]
    table = pd.concat(parts, ignore_index=True)
    asked = table.groupby("path")["network"].transform("nunique") == len(tables)
    table = table[asked].assign(wrong=lambda t: t["label"] != t["predicted"])
    share = table.groupby("path")["wrong"].mean()
    table = table[table["path"].isin(share.index[share == 1])]
    names = sorted(set(table["path"]), key=lambda path: (path.rpartition("/")[0], order[path]))
    images = [_image(path, rows, int(order[path])) for path, rows in ((p, table[table["path"] == p]) for p in names)]
    return {
        "n": len(share),
        "wrong_in_some": int((share > 0).sum()),
        "wrong_in_all": len(images),
        "images": images,
        "stretches": stretches(images),
    }


def _image(path: str, rows: pd.DataFrame, order: int) -> dict[str, Any]:
    label = str(rows["label"].iloc[0])
    return {
        "path": path,
        "order": order,
        "label": label,
        "called": str(rows["predicted"].mode().iloc[0]),
        "p_label": float(rows[f"p_{label}"].mean()),
        "runs": len(rows),
    }


def stretches(images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Images of one label no more than NEAR numbers apart: label, first and last number, how many, what they are mostly called."""
    found: list[list[dict[str, Any]]] = []
    for image in images:
        before = found[-1][-1] if found else None
        if before and before["label"] == image["label"] and image["order"] - before["order"] <= NEAR:
            found[-1].append(image)
        else:
            found.append([image])
    return [
        {
            "label": part[0]["label"],
            "first": part[0]["order"],
            "last": part[-1]["order"],
            "images": len(part),
            "called": str(pd.Series([image["called"] for image in part]).mode().iloc[0]),
        }
        for part in found
    ]


def misread_in_words(found: Mapping[str, Any], protocol: str = SESSION) -> str:
    """What `misread_report` says of a protocol, in two sentences."""
    part = found[protocol]
    runs = ", ".join(f"{name} with {seeds} seed{'s' if seeds > 1 else ''}" for name, seeds in part["networks"].items())
    return (
        f"{protocol} protocol ({runs}): of {part['n']:,} test images {part['wrong_in_some']:,} are wrong in some run and "
        f"{part['wrong_in_all']} in all of them. Whoever knew which run to believe for each image would still have no more than "
        f"{1 - part['wrong_in_all'] / part['n']:.2%}."
    )


def stretch_table(found: Mapping[str, Any], protocol: str = SESSION) -> pd.DataFrame:
    """The stretches of a protocol, a row each: label, file numbers, images, what they are mostly called."""
    rows = [{**stretch, "numbers": _numbers(stretch)} for stretch in found[protocol]["stretches"]]
    return pd.DataFrame(rows, columns=["label", "numbers", "images", "called"])


def _numbers(stretch: Mapping[str, Any]) -> str:
    return f"{stretch['first']}" if stretch["images"] == 1 else f"{stretch['first']} to {stretch['last']}"
