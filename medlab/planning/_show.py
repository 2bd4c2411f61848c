"""A plan for the reader: a table of decisions and reasons, as text or for a notebook."""

import html
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

from medlab.planning._decisions import Reason

_NARROWEST = 60


def as_text(headline: str, reasons: Sequence[Reason]) -> str:
    """Lay a plan out for a terminal: field and value, then the reason below."""
    width = max(_NARROWEST, min(100, shutil.get_terminal_size((88, 24)).columns))
    lines = [f"Plan: {headline}"]
    for name, value, reason in reasons:
        lines += _wrapped(f"{name}: {shown(value)}", width, "  ", "      ")
        lines += _wrapped(reason, width, "      ", "      ")
    return "\n".join(lines)


def as_html(headline: str, reasons: Sequence[Reason]) -> str:
    """Lay a plan out as a table for a notebook."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left"><code>{html.escape(shown(value))}</code></td>'
        f'<td style="text-align:left">{html.escape(reason)}</td></tr>'
        for name, value, reason in reasons
    )
    head = "".join(
        f'<th scope="col" style="text-align:left">{title}</th>'
        for title in ("decision", "value", "reason")
    )
    return (
        f'<table><caption style="text-align:left">Plan: {html.escape(headline)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def shown(value: Any) -> str:
    """Write a value short: no quotes, no brackets around what is a list of its own."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(inner, (int, float)) for inner in value):
            return " x ".join(f"{inner:g}" for inner in value)
        return ", ".join(shown(inner) for inner in value) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest)
