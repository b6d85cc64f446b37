"""The directive `choices`: a table of a settings class of neurallnet.config, name, default and the reason beside it.

The reasons are the comments in the source, behind a setting or above it, so the page cannot say anything else than the code does.
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
    fields = reasons(inspect.getsource(defaults)) if defaults else {}
    if not fields:
        raise ValueError(f"neurallnet.config has no settings class {name!r}")
    values = defaults()
    rows = [f"| `{field}` | `{getattr(values, field)}` | {reason} |" for field, reason in fields.items()]
    return "\n".join(["| Setting | Default | Why |", "|---|---|---|", *rows])


def reasons(source: str) -> dict[str, str]:
    """Name of each setting -> the comment behind it, or the comment lines above it."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in source.splitlines():
        if line.startswith("    # "):
            above.append(line.strip("# "))
        elif field := _FIELD.match(line):
            found[field["name"]] = field["reason"] or " ".join(above)
            above = []
        else:
            above = []
    return found


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
