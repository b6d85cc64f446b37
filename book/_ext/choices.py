"""The directive `choices`: a table of a settings class of neurallnet.config, name, default and the reason beside it.

The reasons are the comments in the source, so the page cannot say anything else than the code does.
"""

import inspect
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from neurallnet import config

_FIELD = re.compile(r"^    (?P<name>\w+): .*?(?<![=<>!]) = (?P<default>.*?)(?:  # (?P<reason>.*))?$")


def choices_markdown(name: str) -> str:
    """Markdown table of the fields of `neurallnet.config.<name>`; raises ValueError for a class without any."""
    defaults = getattr(config, name, None)
    fields = [m for m in map(_FIELD.match, inspect.getsource(defaults).splitlines()) if m] if defaults else []
    if not fields:
        raise ValueError(f"neurallnet.config has no settings class {name!r}")
    values = defaults()
    rows = [f"| `{m['name']}` | `{getattr(values, m['name'])}` | {m['reason'] or ''} |" for m in fields]
    return "\n".join(["| Setting | Default | Why |", "|---|---|---|", *rows])


class Choices(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        try:
            return self.parse_text_to_nodes(choices_markdown(self.arguments[0]))
        except ValueError as error:
            raise self.error(str(error)) from None


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("choices", Choices)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
