"""How the command speaks: tables on a terminal, plain lines elsewhere, JSON when asked for.

Everything that came from articles is stripped of control and direction characters before it is shown.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dedup.report import plain
from worker.answers import as_mapping

_UNSEEN: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")


def note(message: str) -> None:
    """A line for the person at the terminal, out of the way of what is piped on."""
    sys.stderr.write(f"dedup: {plain(message)}\n")


def show_json(value: object) -> None:
    """One JSON document, keys in their own order."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def json_text(value: object, indent: int | None = None) -> str:
    """One JSON document as text, fit for a terminal."""
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent, default=_plain_value))


def escaped(text: str) -> str:
    """JSON in which what steers a terminal or reorders a line is escaped: it says the same, and does nothing."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show_text(text: str) -> None:
    """A text as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def show_fields(fields: Mapping[str, object]) -> None:
    """Names and values, a line each."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        sys.stdout.write(f"{name:<{width}}  {_cell(value)}\n")


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on a terminal, tab-separated lines elsewhere."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for line in [list(columns), *cells]:
            sys.stdout.write("\t".join(line) + "\n")
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        number = bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))
    Console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple | list):
        return ", ".join(_cell(one) for one in value)
    return plain(str(value))


def _plain_value(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return as_mapping(value)
    return str(value)
