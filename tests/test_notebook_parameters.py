"""`papermill --help-notebook` documents every parameter of every notebook: a default, and a comment that says what it is."""

import pytest

from neurallnet.paths import repository

NOTEBOOKS = sorted((repository() / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_parameter_has_a_default_and_a_comment(path):
    from papermill import inspect_notebook

    found = inspect_notebook(str(path))
    assert found, "no cell tagged `parameters`"
    for name, entry in found.items():
        assert entry["default"] not in ("", None), f"{name} has no default"
        assert len(entry["help"].split()) >= 2, f"{name} has no comment that says what it is"


def test_help_of_a_notebook_lists_its_parameters():
    import click
    from papermill.inspection import display_notebook_help

    path = repository() / "notebooks" / "09_your_own_slides.ipynb"
    context = click.Context(click.Command("papermill"))
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(click, "echo", lambda text="", **_: lines.append(str(text)))
        display_notebook_help(context, str(path), None)
    text = "\n".join(lines)
    assert "epochs" in text and "passes over the training images" in text
