"""Which function recomputes which evidence file, and what no table can give.

To add an evidence file, write a function beside those in recompute.py that makes its payload with the functions the notebook calls,
and enter it here; a file without an entry fails. The key is a regular expression for the file's name without `.json`; its named
groups become arguments. A value that comes from a clock or from pixels is declared in MEASURED with the reason: it is covered by
its hash only, and counted apart.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from neurallnet.tints import SHARES
from neurallnet.verify import recompute, recompute_export, recompute_speed, recompute_trust
from neurallnet.verify.published import PublishedStudy

Recompute = Callable[..., Mapping[str, Any]]

_ARM = r"(_(?P<arm>[a-z0-9.-]+-\d+))?"  # files of another run than the one that ships say so: model_no-se-0.json

RECOMPUTE: dict[str, Recompute] = {
    "data": recompute.data,
    "audit": recompute.audit,
    "model" + _ARM: recompute.model,
    r"primary_(?P<protocol>[a-z]+)" + _ARM: recompute.primary,
    "ablation_se": recompute.ablation_se,
    "ablation": recompute.ablation,
    "peers": recompute.peers,
    r"external_(?P<source>.+?)" + _ARM: recompute.external,
    r"false_alarms(_(?P<source>.+))?": recompute.false_alarms,
    r"robustness(_(?P<network>[a-z0-9.-]+))?": recompute.robustness,
    "latency": recompute_speed.latency,
    "protocols": recompute_trust.protocols,
    "conditions": recompute_trust.conditions,
    "tints": recompute_trust.tints,
    "misread": recompute_trust.misread,
    "tenths": recompute_trust.tenths,
    "choice": recompute_trust.choice,
    "learned": recompute_trust.learned,
    "nested": recompute_trust.nested,
    "trust": recompute_trust.trust,
    "explanations": recompute_trust.explanations,
    "tiles": recompute_trust.tiles,
    "sweep": recompute_speed.sweep,
    "export": recompute_export.export,
    "times": recompute_speed.times,
}

_CLOCK = "taken with a clock or a memory meter on the machine named beside it"
_PIXELS = "needs the images; only the figure is kept, not the predictions behind it"

MEASURED: dict[str, dict[str, str]] = {
    "data": {"probes": _PIXELS},
    "audit": {
        **dict.fromkeys(("fields", "sessions", "leak", "rows.field_pairs", "rows.field_groups", "rows.images"), _PIXELS),
        **dict.fromkeys(("overlap.bccd.rows", "overlap.external_probe.rows"), _PIXELS),
        **dict.fromkeys(("settings", "absent"), "says what was asked for, and what was not there"),
        "versions": "describes the machine",
    },
    "tints": {f"rows[].{share}": _PIXELS for share in SHARES},
    "latency": {
        **dict.fromkeys(("training", "growth", "memory", "latency", "peak", "machine", "seconds"), _CLOCK),
        "energy.layers": "counted by hooks while the network looked at validation images",
        "energy.totals": "sums of counts made while the network looked at validation images",
        "energy.models[].break_even_rate": "from those counts before they were rounded",
        "energy.images": "how many images were looked at",
        "energy.norm_folded": "how it was counted",
        "energy.not_measured": "says whether it was measured",
    },
    "sweep": {
        "exported": "needs the images, in ONNX and in the other precision; the predictions of these forms are not kept",
        "early_exit": "needs the images; read-outs of single time steps are not kept",
    },
    "explanations": dict.fromkeys(
        (
            *("activity", "agreement", "arm", "attention", "attention_inside_cells", "block", "corner", "explained"),
            *("integrated_gradients", "least_mask_area", "manifest", "map", "masks", "protocol", "randomization", "removal"),
            *("run", "scale_bar", "seed", "split", "source", "by_class", "fold", "gates", "groups", "n", "of", "spike_rates"),
        ),
        "attribution maps need the images; only the shares are kept",
    ),
    "tiles": dict.fromkeys(
        (
            *("arm", "attention", "by_class", "fold", "groups", "manifest", "map", "n", "of", "run", "seed", "source", "split"),
            "tiles",
        ),
        "weights of tiles need the images; only the shares are kept",
    ),
    "export": {
        "rows[].bytes": "size of a file that is written from the published weights, not published itself",
        "spikes": "layers of the exported graph need the images; only the counts are kept",
    },
    "times": {"seconds": _CLOCK, "machine": "describes the machine"},
}

# Computed from counts that are already rounded to six digits, so the last of six may differ.
CLOSE: dict[str, dict[str, float]] = {"latency": {"energy.models": 5e-6}}


def recompute_function(name: str) -> Callable[[PublishedStudy, Mapping[str, Any]], Mapping[str, Any]] | None:
    """The function for the evidence file `name` (without suffix), its name's parts filled in; None without an entry."""
    for pattern, function in RECOMPUTE.items():
        if found := re.fullmatch(pattern, name):
            parts = {key: value for key, value in found.groupdict().items() if value is not None}
            return lambda study, committed, function=function, parts=parts: function(study, committed, **parts)
    return None


def declared(table: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The entry of MEASURED or CLOSE for an evidence file: its own, or that of the file its name begins with (`model_<arm>`)."""
    own = [key for key in table if name == key or name.startswith(f"{key}_")]
    return table[max(own, key=len)] if own else {}
