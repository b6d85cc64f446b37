"""The SYNTHETIC banner: right below the title, once, and without touching the notebook it is made from."""

import copy

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from neurallnet.banner import CELL_ID, synthetic_banner


def kinds(notebook):
    return ["banner" if cell.get("id") == CELL_ID else cell.source for cell in notebook.cells]


def test_the_banner_comes_between_title_and_text():
    notebook = new_notebook(cells=[new_markdown_cell("# Data\n\nWhat we have."), new_code_cell("1 + 1")])
    before = copy.deepcopy(notebook)
    page = synthetic_banner(notebook)
    assert kinds(page) == ["# Data", "banner", "What we have.", "1 + 1"]
    assert "SYNTHETIC" in page.cells[1].source
    assert notebook == before
    nbformat.validate(page)


def test_a_page_without_title_begins_with_the_banner():
    assert kinds(synthetic_banner(new_notebook(cells=[new_code_cell("1")]))) == ["banner", "1"]
    assert kinds(synthetic_banner(new_notebook())) == ["banner"]


def test_twice_is_once():
    once = synthetic_banner(new_notebook(cells=[new_markdown_cell("# Data")]))
    assert synthetic_banner(once) == once


def test_a_notebook_of_an_older_format_stays_valid():
    cell = {"cell_type": "markdown", "metadata": {}, "source": "# A"}
    notebook = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]})
    page = synthetic_banner(notebook)
    nbformat.validate(page)
    assert kinds(page) == ["# A", "banner"]
