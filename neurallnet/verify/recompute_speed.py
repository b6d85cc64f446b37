"""Speed, energy and the sweep: what follows from published predictions, weights, and the times and counts that were measured."""

from dataclasses import asdict

from neurallnet.arms import SHIPPED_RUN
from neurallnet.evaluation import correctness, wilson_interval
from neurallnet.model import parameter_count
from neurallnet.profiling.bench import headline
from neurallnet.profiling.energy import energy_models, spiking_energy, twin_bits, twin_energy
from neurallnet.profiling.latency import shipped_settings
from neurallnet.profiling.layers import LayerCount
from neurallnet.profiling.plan import Plan
from neurallnet.profiling.verdict import who_wins
from neurallnet.sweep import sweep_table
from neurallnet.verify.published import PublishedStudy
from neurallnet.verify.recompute import BASE, Payload


def sweep(study: PublishedStudy, committed: Payload) -> Payload:
    """05: the arms on validation images; of the exported forms, float32, whose predictions are published."""
    run = study.run(SHIPPED_RUN)
    right = correctness(run.predictions("val"))
    interval = wilson_interval(int(right.sum()), right.size)
    trained = {"form": "torch, float32", "accuracy": float(right.mean()), "n": right.size}
    trained |= {"low": interval.low, "high": interval.high, "bytes": run.weights.stat().st_size}
    return {"arms": sweep_table(study).to_dict("records"), "exported": [trained]}


def latency(study: PublishedStudy, committed: Payload) -> Payload:
    """05: what follows from the measured times and counts: the headline, and energy by each model of it."""
    run = study.run(BASE)
    described = {**asdict(run.config.model), "parameters": parameter_count(run.model())}
    return {
        "quick": False,
        "plan": asdict(Plan()),
        "model": {**described, "image_size": run.config.data.image_size},
        "shipped": asdict(shipped_settings()),
        "headline": headline(committed),
        "energy": energy(committed["energy"], run.config.model.time_steps),
    }


def energy(committed: Payload, steps: int) -> Payload:
    """Joules of each energy model and who wins, from the counts per layer."""
    layers = [LayerCount(**row) for row in committed["layers"]]
    rows = []
    for name, (title, arithmetic) in energy_models(steps).items():
        parts = spiking_energy(layers, arithmetic)
        spiking, twin = sum(parts.values()), twin_energy(layers, arithmetic)
        found = {"spiking_uj": spiking / 1e6, "twin_uj": twin / 1e6, "ratio": twin / spiking}
        rows.append({"id": name, "title": title, **found, "spiking_parts": {part: pj / 1e6 for part, pj in parts.items()}})
    return {"time_steps": steps, "twin_bits": twin_bits(steps), "models": rows, "says": who_wins(committed)}


def times(study: PublishedStudy, committed: Payload) -> Payload:
    """The sum of what the notebooks took."""
    return {"notebooks_seconds": round(sum(s for name, s in committed["seconds"].items() if name[:2].isdigit()), 1)}
