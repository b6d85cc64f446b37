"""Who wins on energy, in plain words."""

from collections.abc import Mapping
from typing import Any


def who_wins(report: Mapping[str, Any]) -> dict[str, str]:
    """One plain sentence per energy model of `energy_report`."""
    rate = report["totals"]["mean_input_rate"]
    fired = "" if rate is None else f" at a mean spike rate of {rate:.1%} per step"
    said = {}
    for row in report["models"]:
        ratio = row["ratio"]
        need = f"{row['spiking_uj']:.3g} uJ against {row['twin_uj']:.3g} uJ an image{fired}"
        if 0.95 <= ratio <= 1.05:
            verdict = f"Neither wins: {need}."
        elif ratio > 1:
            verdict = f"The spiking network wins, {ratio:.2g} times less energy: {need}."
        else:
            verdict = f"The dense twin wins, {1 / ratio:.2g} times less energy: {need}."
        if ratio < 0.95 and row["id"] != "fair_twin_skips_zeros":
            even = row["break_even_rate"]
            verdict += f" Spiking would win below {even:.1%}." if even else " No spike rate, not even zero, would change that."
        said[row["id"]] = f"{row['title'][0].upper()}{row['title'][1:]}: {verdict}"
    return said
