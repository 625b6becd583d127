"""What commands print: tables for readers, one JSON object for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from storage.model.text.control_characters import escaped, escaped_lines

_WIDTH_OF_A_FILE = 200
"""Where the output is no terminal: nobody wants a table folded to 80 columns in a pipe."""


class EscapingConsole(Console):
    """A console that only rich itself can command, and no text that it shows."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            is_text = not segment.control and not segment.text.isprintable()
            yield Segment(escaped_lines(segment.text), segment.style) if is_text else segment


def show(what: RenderableType) -> None:
    """Print for a reader. Text is taken as it is: strangers wrote parts of it. Sentences are not folded."""
    if isinstance(what, str):
        print(escaped_lines(what))
        return
    width = None if sys.stdout.isatty() else _WIDTH_OF_A_FILE
    EscapingConsole(markup=False, highlight=False, emoji=False, width=width).print(what)


def show_json(what: object) -> None:
    print(json.dumps(what).replace("\x7f", "\\u007f"))  # the one control character that JSON leaves


def moment(at: datetime | None) -> str:
    """A time to the minute; empty for none."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class OutputTable:
    """Rows as a reader and as a program wants them."""

    columns: tuple[str, ...]
    empty: str
    """The sentence for no rows."""
    rows: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    objects: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def add(self, row: Sequence[str], what: dict[str, object]) -> None:
        self.rows.append(tuple(row))
        self.objects.append(what)

    def show(self, name: str, *, as_json: bool) -> None:
        """A table, or an object whose one key is `name`."""
        if as_json:
            show_json({name: self.objects})
        elif not self.rows:
            show(self.empty)
        else:
            table = Table(*map(escaped, self.columns))
            for row in self.rows:
                table.add_row(*map(escaped, row))  # before it is measured
            show(table)
