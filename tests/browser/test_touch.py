"""Tables that sort and filter, and the spikes one steps through: with keyboard and pointer, in a real Chromium."""

import sys
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def extensions():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(TOP / "book" / "_ext"))
    yield
    sys.path.remove(str(TOP / "book" / "_ext"))


def opened(driver, folder: Path, content: str, script: str) -> None:
    page = folder / "page.html"
    code = (TOP / "book" / "_static" / script).read_text(encoding="utf-8")
    start = '<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>'
    page.write_text(f"{start}<script>{code}</script><main>{content}</main>", encoding="utf-8")
    driver.get(page.as_uri())


@pytest.fixture
def table(driver, extensions, tmp_path):
    from runs_table import COLUMNS, Cell, runs_html

    def row(arm, share):
        cells = {"Arm": Cell(arm, arm), "Test accuracy": Cell(f"{share:.2%}", share) if share else Cell("not read", "")}
        return [cells.get(name, Cell("", "")) for name in COLUMNS]

    rows = [row("base", 0.98), row("narrow", None), row("base", 0.1), row("shallow", 0.995)]
    opened(driver, tmp_path, runs_html(rows), "tables.js")
    return driver


def column(driver, name):
    script = """const table = document.querySelector("table");
    const at = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent === arguments[0]);
    return [[...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[at].textContent),
            table.tHead.rows[0].cells[at].getAttribute("aria-sort")];"""
    return driver.execute_script(script, name)


def test_a_column_sorts_by_keyboard_by_number_with_what_was_not_read_last(table):
    from selenium.webdriver.common.keys import Keys

    button = next(found for found in table.find_elements("css selector", "th button") if found.text.startswith("Test accuracy"))
    assert column(table, "Test accuracy")[1] == "none"
    button.send_keys(Keys.ENTER)
    assert column(table, "Test accuracy") == [["10.00%", "98.00%", "99.50%", "not read"], "ascending"]
    button.send_keys(Keys.SPACE)
    assert column(table, "Test accuracy") == [["99.50%", "98.00%", "10.00%", "not read"], "descending"]
    assert column(table, "Arm")[1] == "none"


def test_rows_are_filtered_by_arm_and_counted(table):
    from selenium.webdriver.support.select import Select

    choice = Select(table.find_element("css selector", ".table-filter select"))
    assert [option.text for option in choice.options] == ["all", "base", "narrow", "shallow"]
    choice.select_by_visible_text("base")
    assert column(table, "Arm")[0] == ["base", "base"]
    assert table.find_element("css selector", ".table-filter output").text == "2 of 4 rows"
    choice.select_by_visible_text("all")
    assert len(column(table, "Arm")[0]) == 4


def test_spikes_step_by_button_and_by_key_and_can_all_be_shown(driver, extensions, tmp_path):
    from raster import Recording
    from raster_page import raster_html
    from selenium.webdriver.common.keys import Keys

    spikes = np.random.default_rng(0).random((3, 4, 6, 6)) > 0.5
    image, shares = np.zeros((24, 24, 3), np.uint8), np.full((3, 2), 0.5)
    shown = Recording(image, [spikes], [spikes.astype(np.float32)], ("Benign", "Pro"), shares, 0.5)
    opened(driver, tmp_path, raster_html(shown), "raster.js")

    def steps():
        found = driver.find_elements("css selector", ".raster-step")
        return [step.get_attribute("data-step") for step in found if step.is_displayed()]

    back, on = driver.find_elements("css selector", ".raster-controls button")
    slider = driver.find_element("css selector", "input[type=range]")
    assert steps() == ["1"] and not back.is_enabled()
    on.click()
    assert steps() == ["2"] and slider.get_attribute("aria-valuetext") == "step 2 of 3"
    slider.send_keys(Keys.ARROW_RIGHT)
    assert steps() == ["3"] and not on.is_enabled()
    back.send_keys(Keys.ARROW_LEFT)
    assert steps() == ["2"]
    assert [dot.get_attribute("data-step") for dot in driver.find_elements("css selector", "circle.now")] == ["2"]
    driver.find_element("css selector", "input[type=checkbox]").click()
    assert steps() == ["1", "2", "3"]
