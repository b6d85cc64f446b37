"""Notebooks run strictly: unknown parameters and failing cells are errors; a copy repeats byte for byte."""

import json
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from neurallnet.errors import ConfigError, RunError
from neurallnet.evidence import package_hash
from neurallnet.notebook_runner import main, run_notebook

DEFAULTS = 'profile = "smoke"\ncount = 2'


def notebook(path, *sources):
    """A notebook at `path`: a cell tagged `parameters`, then one cell per source."""
    cells = [new_code_cell(DEFAULTS, metadata={"tags": ["parameters"]}), *map(new_code_cell, sources)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def texts(path):
    cells = json.loads(path.read_text())["cells"]
    return ["".join(out["text"]) for cell in cells for out in cell.get("outputs", []) if "text" in out]


def stamp(path):
    return json.loads(path.read_text())["metadata"]["neurallnet"]


def test_parameters_reach_the_cells_and_the_stamp(tmp_path):
    source = notebook(tmp_path / "a.ipynb", "print(profile, count * 2)")
    copy = run_notebook(source, tmp_path / "out" / "a.ipynb", {"profile": "full", "count": 5})
    assert texts(copy) == ["full 10\n"]
    assert stamp(copy) == {"package_hash": package_hash(), "profile": "full"}


def test_stamp_names_the_default_profile(tmp_path):
    copy = run_notebook(notebook(tmp_path / "a.ipynb", "1"), tmp_path / "b.ipynb", {})
    assert stamp(copy)["profile"] == "smoke"


def test_kernel_is_this_interpreter(tmp_path):
    source = notebook(tmp_path / "a.ipynb", "import sys; print(sys.prefix)")
    copy = run_notebook(source, tmp_path / "b.ipynb", {})
    assert texts(copy) == [f"{sys.prefix}\n"]


def test_unknown_parameter_is_named_with_the_known_ones_and_nothing_runs(tmp_path):
    source = notebook(tmp_path / "a.ipynb", f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ConfigError, match=r"a\.ipynb: unknown parameter proflie; it knows count, profile"):
        run_notebook(source, tmp_path / "b.ipynb", {"proflie": "full"})
    assert not (tmp_path / "ran").exists() and not (tmp_path / "b.ipynb").exists()


def test_failing_cell_is_named_and_what_ran_is_kept(tmp_path):
    source = notebook(tmp_path / "a.ipynb", "print('before')", "1 / 0", "print('after')")
    with pytest.raises(RunError, match=r"a\.ipynb: cell 3 failed: ZeroDivisionError: division") as caught:
        run_notebook(source, tmp_path / "b.ipynb", {})
    kept = tmp_path / "b.partial.ipynb"
    assert str(kept) in str(caught.value) and "\n" not in str(caught.value)
    assert "before\n" in texts(kept) and "after\n" not in texts(kept)
    assert not (tmp_path / "b.ipynb").exists()


def test_cell_number_counts_the_cells_of_the_source_when_parameters_are_injected(tmp_path):
    source = notebook(tmp_path / "a.ipynb", "1 / 0")
    with pytest.raises(RunError, match="cell 2 failed"):
        run_notebook(source, tmp_path / "b.ipynb", {"count": 3})


def test_kernel_does_not_warn_of_its_own_connection(tmp_path, capfd):
    run_notebook(notebook(tmp_path / "a.ipynb", "1"), tmp_path / "b.ipynb", {})
    assert "encryption" not in capfd.readouterr().err


def test_copy_repeats_byte_for_byte_and_holds_no_times_or_paths(tmp_path):
    source = notebook(tmp_path / "a.ipynb", "print(count)")
    first, second = (run_notebook(source, tmp_path / place / "a.ipynb", {"count": 3}) for place in "xy")
    text = first.read_text()
    assert text == second.read_text()
    assert "papermill" not in text and "duration" not in text and str(tmp_path) not in text
    nbformat.validate(nbformat.read(first, as_version=4))


def test_an_older_partial_copy_is_gone_once_the_notebook_runs(tmp_path):
    with pytest.raises(RunError):
        run_notebook(notebook(tmp_path / "a.ipynb", "1 / 0"), tmp_path / "b.ipynb", {})
    run_notebook(notebook(tmp_path / "a.ipynb", "1"), tmp_path / "b.ipynb", {})
    assert not (tmp_path / "b.partial.ipynb").exists()


def test_missing_and_broken_notebooks_are_one_line_on_stderr_and_exit_2(tmp_path, capsys):
    broken = tmp_path / "broken.ipynb"
    broken.write_text("not json")
    for source in (tmp_path / "missing.ipynb", broken):
        assert main(["run", str(source), str(tmp_path / "b.ipynb")]) == 2
        error = capsys.readouterr().err
        assert source.name in error and error.count("\n") == 1


def test_what_a_failed_run_left_behind_is_not_run(tmp_path):
    left = notebook(tmp_path / "a.partial.ipynb", "1 / 0")
    before = left.read_bytes()
    assert main(["store", str(left), str(notebook(tmp_path / "b.ipynb", "print(count)"))]) == 0
    assert left.read_bytes() == before and texts(tmp_path / "b.ipynb") == ["2\n"]


def test_store_keeps_outputs_in_the_source_without_a_stamp(tmp_path):
    source = notebook(tmp_path / "a.ipynb", "print(count)")
    assert main(["store", str(source)]) == 0
    assert texts(source) == ["2\n"]
    before = source.read_bytes()
    assert main(["store", str(source)]) == 0
    assert source.read_bytes() == before and b"package_hash" not in before
