"""The benchmark's evidence: each section has its rows, what cannot run says why, all goes into JSON. No speed is asserted."""

import json

import pytest
import torch
from typer.testing import CliRunner

from neurallnet.cli import app
from neurallnet.config import ModelConfig
from neurallnet.errors import ConfigError
from neurallnet.evidence import canonical_json
from neurallnet.model import NeurALLNet
from neurallnet.profiling import Plan, bench, command, latency, peak, rows, run_bench, throughput
from neurallnet.profiling.floor import ConvolutionsAlone
from neurallnet.profiling.memory import CASES
from neurallnet.profiling.steps import fresh, inference, plain_torch, random_images

TINY = ModelConfig(channels=(4, 8), time_steps=2)
PLAN = Plan(
    batch=2,
    training_rounds=3,
    growth_batch=2,
    steps=(1, 2),
    sizes=(16, 24),
    batches=(1, 2),
    counts=(8, 16),
    growth_rounds=2,
    memory=(CASES[3][0],),
    single_rounds=3,
    batch_rounds=2,
    peers=("dense_twin",),
    products=(64,),
    copy_mebibytes=1,
    peak_rounds=2,
    energy_images=2,
)


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        return run_bench(fresh(TINY), image_size=32, images=random_images(3, 32), plan=PLAN, quick=True, progress=False)


def test_every_section_is_there_and_goes_into_json(found):
    assert set(bench.SECTIONS) <= set(found)
    assert json.loads(canonical_json(found))["model"]["image_size"] == 32


def test_the_machine_is_described(found):
    described = found["machine"]
    assert described["cpu"] and described["threads"] >= 1 and described["engine"] in ("c", "torch")
    assert described["precision_auto"] in ("float32", "bfloat16")
    assert described["load_before"] is None or len(described["load_before"]) == len(described["load_after"]) == 3
    assert {"torch", "snntorch", "onnxruntime", "spikingjelly"} <= set(described["versions"])


def test_each_row_is_measured_or_says_why_not(found):
    tables = [found["training"]["rows"], found["growth"]["rows"], found["memory"]["rows"], found["latency"]["gpu"]]
    tables += [table["rows"] for table in found["latency"]["tables"]]
    for row in (row for table in tables for row in table):
        measured = row.get("p50_ms", row.get("peak_mib"))
        assert (measured is None) == (row["not_measured"] is not None)
        if row.get("p50_ms") is not None:
            assert 0 < row["min_ms"] <= row["p50_ms"] <= row["p95_ms"] and row["n"] >= 2


def test_comparisons_carry_their_spread(found):
    ratios = found["training"]["ratios"]
    compared = {(row["slow"], row["fast"]) for row in ratios}
    assert compared >= {(throughput.SNNTORCH, throughput.OURS), (throughput.SNNTORCH, throughput.OURS_BF16)}
    for row in ratios:
        assert row["low"] <= row["median"] <= row["high"] and row["rounds"] == 3
    assert [row["slow"] for row in ratios if row["fast"] == throughput.FLOOR] == [throughput.SNNTORCH]


def test_latency_covers_one_image_and_a_batch(found):
    tables = found["latency"]["tables"]
    assert {(t["batch"], t["threads"]) for t in tables} == {(1, 1), (2, 1)}
    cases = {row["case"] for row in tables[0]["rows"]}
    assert {latency.TORCH, latency.UNROLLED, latency.ONNX, latency.INT8, latency.peer_case("dense_twin", 32)} <= cases


def test_headline_repeats_the_figures_of_the_sections(found):
    single = next(t for t in found["latency"]["tables"] if t["batch"] == 1)
    row = next(r for r in single["rows"] if r["case"] == latency.ONNX)
    assert found["headline"]["cpu_latency_ms"] == row["p50_ms"]
    assert found["headline"]["energy_ratio_optimistic"] == found["energy"]["models"][0]["ratio"]
    if not torch.cuda.is_available():
        assert found["headline"]["gpu_latency_ms"] is None
        assert found["latency"]["gpu"][0]["not_measured"] == latency.CUDA_REASON


def test_growth_has_every_axis(found):
    values = {}
    for row in found["growth"]["rows"]:
        values.setdefault(row["axis"], set()).add(row["value"])
    assert values == {"time steps": {1, 2}, "pixels a side": {16, 24}, "batch": {1, 2}, "images in the set": {8, 16}}


def test_shares_of_the_time_add_up(found):
    for row in found["peak"]["limits"]:
        assert sum(row["shares"].values()) == pytest.approx(1)
        assert row["shares"]["convolution"] > 0 and row["says"].startswith(row["work"])
    for row in found["peak"]["achieved"]:
        assert row["share"] == pytest.approx(row["gflops"] / row["peak_gflops"])


def test_operations_are_two_per_multiply_accumulate():
    model = NeurALLNet(ModelConfig(channels=(2,), excitation="none", time_steps=1))
    done = peak.flops(inference(model, random_images(1, 16)))
    assert done == 2 * (8 * 8 * 2 * 3 * 9 + 2 * 4)


@pytest.mark.parametrize("encoding", ["direct", "rate"])
def test_the_bound_does_the_convolutions_of_the_network_and_nothing_else(encoding):
    model = NeurALLNet(ModelConfig(channels=(3, 4), excitation="none", time_steps=3, encoding=encoding))
    alone, images = ConvolutionsAlone(model), random_images(2, 16)
    assert peak.flops(inference(alone, images)) == peak.flops(inference(model, images))
    x = images * 4 - 2
    for block in model.blocks:
        x = block.conv(x)
    torch.testing.assert_close(alone(images), model.readout(x.mean((2, 3))), rtol=1e-4, atol=1e-5)
    kept = {id(parameter) for parameter in alone.parameters()}
    assert kept == {id(p) for name, p in model.named_parameters() if ".conv." in name or name.startswith("readout")}


def test_a_missing_package_is_said_and_the_rest_is_measured(monkeypatch):
    monkeypatch.setattr(rows.importlib.util, "find_spec", lambda name: None)
    found = throughput.training_throughput(TINY, 16, 2, repeats=1, progress=False)
    missing = {row["case"]: row["not_measured"] for row in found["rows"] if row["not_measured"]}
    assert "pip install 'neurallnet[peers]'" in missing[throughput.SNNTORCH]
    assert not any(ratio["slow"] == throughput.SNNTORCH for ratio in found["ratios"])
    files, rest = latency.prepare(fresh(TINY), 32, None, peers=("efficientnet_b0",))
    assert files == {} and len(rest) == 4 and all("neurallnet[export]" in row["not_measured"] for row in rest)


def test_energy_without_a_trained_network_is_not_guessed():
    found = run_bench(fresh(TINY), image_size=16, sections=["energy"], plan=PLAN, progress=False)
    assert "--run" in found["energy"]["not_measured"] and found["headline"]["energy_ratio_fair_twin"] is None


def test_the_engine_can_be_switched_off_and_comes_back():
    from neurallnet import fused

    before = fused.engine()
    with plain_torch():
        assert fused.engine() == "torch"
    assert fused.engine() == before


def test_unknown_section_is_refused():
    with pytest.raises(ConfigError, match="'sped' is unknown; choose from training"):
        run_bench(fresh(TINY), sections=["sped"])


def test_command_writes_json_and_prints(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "QUICK", PLAN)
    path = tmp_path / "bench.json"
    result = CliRunner().invoke(app, ["bench", "--json", str(path), "--quick", "--sections", "energy"])
    assert result.exit_code == 0, result.output
    assert json.loads(path.read_text(encoding="utf-8"))["quick"] is True
    assert "not measured: spikes depend on weights" in result.output


def test_the_terminal_report_names_every_case(found):
    text = "\n".join(command.report_lines(found))
    for table in (found["training"], *found["latency"]["tables"]):
        assert all(row["case"] in text for row in table["rows"])
    assert "no evidence" in text.splitlines()[0]
