"""Every page of the published book in a real browser: quiet, self-contained, linked, and usable by everyone."""

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from selenium.webdriver.support.ui import WebDriverWait

TOP = Path(__file__).resolve().parents[2]
AXE = TOP / "_build" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}  # were it mobile, a page loaded wide would stay so
RUN_AXE = """
const [rules, done] = arguments;
const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
axe.run(document, options).then(
  (found) => done(found.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map(
    (v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.html.slice(0, 150)).slice(0, 4).join(" | ")}`)),
  (error) => done([String(error)]));
"""
DARK = """
document.documentElement.dataset.theme = document.documentElement.dataset.mode = "dark";
document.head.append(Object.assign(document.createElement("style"), { textContent: "* { transition: none !important }" }));
"""
NO_ARTICLE = ("index.html", "genindex.html", "search.html")  # a redirect, a list, and a form
OUTLINE = """
const levels = ["h1", "h2", "h3", "h4", "h5", "h6"].map((tag) => "article " + tag).join(", "); // the title for print is elsewhere
return [...document.querySelectorAll(levels)].map((heading) => +heading.tagName[1]);
"""
UNNAMED = """
const named = (e) => e.getAttribute("alt") !== null || e.ariaLabel || e.getAttribute("aria-labelledby") || e.ariaHidden === "true"
  || e.getAttribute("role") === "presentation" || e.querySelector?.(":scope > title") || e.closest("[aria-hidden=true]");
return [...document.querySelectorAll("img, svg, canvas")]
  .filter((e) => !named(e) && !e.closest("button[aria-label], mjx-container")).map((e) => e.outerHTML.slice(0, 200));
"""
WIDE = """
const most = document.documentElement.clientWidth;
if (document.scrollingElement.scrollWidth <= most + 1) return [];
return [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > most + 1)
  .map((e) => e.outerHTML.slice(0, 120)).slice(0, 3).concat(String(document.scrollingElement.scrollWidth));
"""


def html_pages(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)


@pytest.fixture(scope="module")
def visits(site, address, driver):
    """What a visit of each page showed: {page: {kind of fault: list}}."""
    axe = AXE.read_text(encoding="utf-8")
    return {page: visit(driver, f"{address}/{page}", axe) for page in html_pages(site)}


def visit(driver, url: str, axe: str) -> dict[str, list]:
    driver.get_log("browser"), driver.get_log("performance")
    driver.get(url)
    WebDriverWait(driver, 60).until(lambda d: d.execute_script("return document.readyState") == "complete")
    if urlsplit(url).path.lstrip("/") not in NO_ARTICLE:
        WebDriverWait(driver, 30).until(lambda d: d.execute_script(OUTLINE))
    found = {"outline": driver.execute_script(OUTLINE), "unnamed": driver.execute_script(UNNAMED)}
    driver.execute_script(axe)
    found["axe"] = driver.execute_async_script(RUN_AXE, None)
    driver.execute_script(DARK)
    found["axe in dark mode"] = driver.execute_async_script(RUN_AXE, ["color-contrast", "link-in-text-block"])
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    found["wider than a phone"] = driver.execute_script(WIDE)
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    said = [line["message"] for line in driver.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
    found["console"] = [line for line in said if "/favicon.ico" not in line]  # the browser's own wish, on the bare redirect
    found["foreign"] = foreign(driver, url)
    return found


def foreign(driver, url: str) -> list[str]:
    """Addresses on other hosts that were asked for."""
    events = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert asked, f"{url}: the network log is empty, so it says nothing"
    hosts = {other: urlsplit(other).netloc for other in asked if urlsplit(other).scheme in ("http", "https", "ws", "wss")}
    return [other for other, host in hosts.items() if host != urlsplit(url).netloc]


@pytest.mark.parametrize("kind", ["console", "foreign", "unnamed", "axe", "axe in dark mode", "wider than a phone"])
def test_no_page_shows(visits, kind):
    faults = {page: found[kind] for page, found in visits.items() if found[kind]}
    assert not faults, json.dumps(faults, indent=1)


def test_headings_are_in_order(visits):
    for page, found in visits.items():
        levels = found["outline"]
        if page in NO_ARTICLE:
            continue
        assert levels.count(1) == 1 and levels[0] == 1, f"{page}: {levels}"
        assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), f"{page}: {levels}"


def test_links_and_anchors_lead_somewhere(site):
    texts = {page: (site / page).read_text(encoding="utf-8") for page in html_pages(site)}
    ids = {page: set(re.findall(r'\sid="([^"]+)"', text)) for page, text in texts.items()}
    broken, followed = set(), 0
    for page, text in texts.items():
        for link in set(re.findall(r'<(?:a|link|img|script)\s[^>]*?(?:href|src)="([^"]*)"', text)):
            parts = urlsplit(urljoin(f"//site/{page}", unescape(link)))
            if parts.netloc != "site" or parts.scheme:
                continue
            followed += 1
            path, fragment = unquote(parts.path).lstrip("/"), unquote(parts.fragment)
            if not (site / path).is_file() or (fragment and path in ids and fragment not in ids[path]):
                broken.add(f"{page}: {link}")
    assert followed > 100
    assert not broken, "\n".join(sorted(broken))
