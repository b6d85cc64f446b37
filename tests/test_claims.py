"""Verdicts, claims built from evidence, and the README that must not differ from them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from neurallnet.claims import HEADLINE, build_claims, headline, headline_table, render_readme
from neurallnet.claims.__main__ import main, stale_files
from neurallnet.claims.claim import verdict_at_least, verdict_at_most, verdict_within
from neurallnet.claims.registry import BUILDERS
from neurallnet.errors import DataError
from neurallnet.evaluation import cluster_interval
from neurallnet.evidence import write_evidence

CHECKOUT = Path(__file__).resolve().parents[1]
README = "# Title\n\n<!-- claims:begin -->\nold\n<!-- claims:end -->\n\nThe rest.\n"


@pytest.fixture
def checkout(tmp_path) -> Path:
    evidence = tmp_path / "results" / "full" / "evidence"
    sizes = {"parameters": 883_596, "footprint_bytes": 3_570_000, "single": {"parameters": 294_532, "footprint_bytes": 1_190_000}}
    write_evidence(evidence / "model.json", sizes)
    interval = cluster_interval([True] * 323 + [False] * 3, range(326))
    write_evidence(
        evidence / "primary_random.json",
        {"accuracy": 323 / 326, "interval": interval, "n": 326, "groups": 326, "protocol": "random 80/10/10"},
    )
    (tmp_path / "README.md").write_text(README)
    return tmp_path


def test_verdict_of_an_accuracy():
    assert verdict_at_least(0.995, (0.985, 0.999), 0.9816) == "exceeded"
    assert verdict_at_least(0.990, (0.975, 0.997), 0.9816) == "reproduced"  # better, but not surely
    assert verdict_at_least(0.975, (0.955, 0.985), 0.9816) == "reproduced"  # worse, but not surely
    assert verdict_at_least(0.950, (0.930, 0.970), 0.9816) == "not reproduced"
    assert verdict_at_least(None, None, 0.9816) == "not testable here"


def test_verdict_of_a_size():
    assert verdict_within(294_532, 270_000, 340_000) == "reproduced"
    assert verdict_within(61_000, 270_000, 340_000) == "not reproduced"
    assert verdict_at_most(1_350_000, 1_350_000) == "reproduced"
    assert verdict_at_most(1_350_001, 1_350_000) == "not reproduced"
    assert verdict_at_most(None, 1) == verdict_within(None, 0, 1) == "not testable here"


def test_claims_have_exactly_the_agreed_keys(checkout):
    claims = build_claims(checkout / "results" / "full" / "evidence")
    assert [claim.id for claim in claims] == ["parameters", "footprint_bytes", "primary_accuracy_random"]
    keys = ["id", "claim", "paper", "ours", "interval", "n", "protocol", "verdict", "evidence"]
    assert all(list(claim.to_dict()) == keys for claim in claims)
    accuracy = claims[2]
    assert accuracy.evidence == "results/full/evidence/primary_random.json"
    assert (accuracy.paper, accuracy.ours, accuracy.n) == (0.9816, pytest.approx(323 / 326, abs=1e-6), 326)
    assert accuracy.interval[0] < accuracy.ours < accuracy.interval[1]
    assert "near-duplicate groups" in accuracy.protocol


def test_a_claim_without_evidence_is_left_out(checkout):
    (checkout / "results" / "full" / "evidence" / "model.json").unlink()
    claims = build_claims(checkout / "results" / "full" / "evidence")
    assert [claim.id for claim in claims] == ["primary_accuracy_random"]
    assert build_claims(checkout / "nowhere") == []


def test_evidence_that_lacks_a_number_is_named(checkout):
    write_evidence(checkout / "results" / "full" / "evidence" / "model.json", {"parameters": 1, "single": {"parameters": 1}})
    with pytest.raises(DataError, match="'footprint_bytes'"):
        build_claims(checkout / "results" / "full" / "evidence")


def test_only_the_block_changes(checkout):
    evidence = checkout / "results" / "full" / "evidence"
    part = {"n": 3256, "unit": "near-duplicate group", "low": 0.98, "high": 0.99}
    shares = {"accuracy": 0.985, "lowest": 0.97, "highest": 0.99, "tenths": []}
    lead = {"points": 0.0, "low": -1.0, "high": 1.0, "n": 3256}
    rows = [{"network": name, **part, **shares, "lead_of_ours": lead} for name in ("committee", "colour")]
    write_evidence(evidence / "tenths.json", {"rows": rows})
    claims = build_claims(evidence)
    text = render_readme(README, claims)
    assert text.startswith("# Title\n\n<!-- claims:begin -->\n| Claim | Paper | Ours |")
    assert text.endswith("<!-- claims:end -->\n\nThe rest.\n")
    assert "\nold\n" not in text
    assert text.count("| 98.16% | 98.50% | 98.00% to 99.00% | 3,256 |") == 1
    assert text.count("| not stated | 98.50% | 98.00% to 99.00% | 3,256 |") == 1
    assert "| 300,000 | 294,532 |" in text
    assert "[reproduced](results/full/evidence/model.json)" in text
    assert render_readme(text, claims) == text


@pytest.mark.parametrize("text", ["no markers", "<!-- claims:end --><!-- claims:begin -->", README + README])
def test_readme_without_its_two_markers(text):
    with pytest.raises(DataError, match="claims:begin"):
        render_readme(text, [])


def test_one_changed_digit_is_noticed(checkout, capsys):
    arguments = ["--root", str(checkout)]
    assert main(["--check", *arguments]) == 1
    assert main(["--write", *arguments]) == 0
    assert main(["--check", *arguments]) == 0
    for path, digit, other in (
        (checkout / "results" / "claims.json", "294532", "294533"),
        (checkout / "README.md", "294,532", "294,533"),
        (checkout / "results" / "full" / "evidence" / "model.json", "1190000", "1190001"),
    ):
        good = path.read_text()
        assert digit in good
        path.write_text(good.replace(digit, other))
        capsys.readouterr()
        assert main(["--check", *arguments]) == 1
        assert "differs" in capsys.readouterr().out
        path.write_text(good)
    assert main(["--check", *arguments]) == 0


def test_errors_are_one_line(checkout, capsys):
    (checkout / "README.md").write_text("no markers")
    assert main(["--check", "--root", str(checkout)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["--check", "--root", str(checkout / "nowhere")]) == 2


def test_module_runs_from_the_command_line(checkout):
    command = [sys.executable, "-m", "neurallnet.claims", "--check", "--root", str(checkout)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert (found.returncode, found.stderr) == (1, "")


def test_this_checkout_says_what_its_evidence_says():
    assert stale_files(CHECKOUT) == {}, "run: python -m neurallnet.claims --write"
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    claims = json.loads((CHECKOUT / "results" / "claims.json").read_text(encoding="utf-8"))
    for claim in claims:
        assert (claim["claim"] in text) == (claim["id"] in HEADLINE)
        assert (CHECKOUT / claim["evidence"]).is_file()
    assert f"All {len(claims)} claims" in text


def test_the_readme_stays_short_and_in_the_order_of_the_headline(checkout):
    assert 4 <= len(HEADLINE) <= 6 and set(HEADLINE) <= set(BUILDERS)
    claims = build_claims(CHECKOUT / "results" / "full" / "evidence", CHECKOUT)
    assert [claim.id for claim in headline(list(reversed(claims)))] == list(HEADLINE), "each headline has its evidence"
    rows = headline_table(claims).splitlines()
    assert len(rows) == 2 + len(HEADLINE) and all(row.count(" | ") == 6 for row in rows[2:])


def test_what_removing_se_costs_is_of_all_seeds_where_there_are_several(checkout):
    evidence = checkout / "results" / "full" / "evidence"
    first = {"drop": 35.0, "drop_interval": [31.0, 39.0], "interval_unit": "near-duplicate group", "n": 326}
    row = {"arm": "no-se", "drop": -0.5, "low": -1.0, "high": 0.2, "n": 326, "seeds": 5}
    write_evidence(evidence / "ablation_se.json", first)
    rows = [{**row, "arm": "dense", "drop": 9.0}, row]
    write_evidence(evidence / "ablation.json", {"rows": rows, "unit": "near-duplicate group"})
    claim = {claim.id: claim for claim in build_claims(evidence, checkout)}["se_ablation_drop"]
    assert (claim.ours, claim.interval, claim.evidence) == (-0.5, (-1.0, 0.2), "results/full/evidence/ablation.json")
    assert claim.protocol.startswith("single network with 5 seeds, random split")


def test_what_removing_se_costs(checkout):
    found = {"drop": 35.0, "drop_interval": [31.0, 39.0], "interval_unit": "near-duplicate group", "n": 326}
    for drop, interval, verdict in (
        (35.0, [31.0, 39.0], "exceeded"),
        (29.0, [25.0, 33.0], "reproduced"),
        (1.5, [0.3, 3.4], "not reproduced"),
    ):
        evidence = checkout / "results" / "full" / "evidence"
        write_evidence(evidence / "ablation_se.json", found | {"drop": drop, "drop_interval": interval})
        claim = {claim.id: claim for claim in build_claims(evidence)}["se_ablation_drop"]
        assert (claim.paper, claim.ours, list(claim.interval), claim.n) == (30.0, drop, interval, 326)
        assert claim.verdict == verdict and "paired" in claim.protocol
