"""The published book, built from committed results, behind a web server on this computer, and a real Chromium to look at it.

Tests here skip, with the reason, where Chromium, its driver or Node is missing; NEURALLNET_REQUIRE_BROWSER=1 makes that a failure.
"""

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1280,1000"
)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


def need(*names: str) -> str:
    """Path of the first of these programs that is here; skips without any, or fails where browsers are required."""
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        reason = f"{names[0]} is not installed"
        pytest.fail(reason) if os.environ.get("NEURALLNET_REQUIRE_BROWSER") == "1" else pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def node() -> str:
    return need("node")


@pytest.fixture(scope="session")
def site() -> Path:
    """Folder of the built book, as it is published, with the demo in it; $NEURALLNET_SITE names one that is built already."""
    need(*BROWSERS), need("chromedriver"), need("node"), need("npm")
    if os.environ.get("NEURALLNET_SITE"):
        return Path(os.environ["NEURALLNET_SITE"]).resolve()
    results = TOP / "results" / "full"
    command = [sys.executable, "-m", "neurallnet.book", "--profile", "full"]
    command += ["--notebooks", str(results / "notebooks"), "--evidence", str(results / "evidence")]
    built = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    assert built.returncode == 0, f"the book does not build:\n{built.stdout}{built.stderr}"
    html = TOP / "_build" / "html"
    absent = (html / "book" / "try.html").read_text(encoding="utf-8").partition('id="demo-absent"')[2]
    assert not absent, f"the page has no demo: {absent[:600]}"
    return html


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def address(site):
    """http address of the site on this computer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """Chromium with an empty profile; its console and network logs are kept."""
    binary, service = need(*BROWSERS), need("chromedriver")
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = binary
    for argument in [*ARGUMENTS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options=options, service=Service(service))
    browser.set_script_timeout(180)
    browser.set_page_load_timeout(180)  # a machine busy with other work is slow, not broken
    browser.get("about:blank")  # rather than the start page, which asks for much
    yield browser
    browser.quit()
