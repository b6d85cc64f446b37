"""What the theme leaves out for people who do not see the page, mended in the finished HTML.

Buttons whose name lacks the text they show, drawings that say a button's name again, and lists whose entries are no list items: axe
finds them, tests/browser looks at every page. Replacing twice changes nothing, so that pages of an earlier build may pass again.
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

MENDS = (
    # the button shows "Search Ctrl+K"; that text is its name
    (re.compile(r'(<button class="btn search-button-field[^>]*?) aria-label="Search"'), r"\1"),
    # the button is called "Color mode"; its three icons are not called anything
    (re.compile(r'(<i class="theme-switch [^>]*?data-mode="\w+")\s+title="[^"]*"'), r'\1 aria-hidden="true"'),
    # entries of a list of role "list" are its items
    (re.compile(r'(<div class="citation"[^>]*) role="doc-biblioentry"'), r'\1 role="listitem"'),
)


def mended(text: str) -> str:
    """A page's HTML with every mend applied."""
    for pattern, replacement in MENDS:
        text = pattern.sub(replacement, text)
    return text


def mend_pages(app: Sphinx, exception: Exception | None) -> None:
    for path in sorted(Path(app.outdir).rglob("*.html")) if exception is None and app.builder.format == "html" else ():
        text = path.read_text(encoding="utf-8")
        better = mended(text)
        if better != text:
            path.write_text(better, encoding="utf-8")


def follow_system(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """A first visit takes the reader's own setting, light or dark; the theme complains on the console when nothing is said."""
    context.setdefault("default_mode", "auto")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", follow_system)
    app.connect("build-finished", mend_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
