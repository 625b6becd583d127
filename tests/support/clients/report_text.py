"""A report as its reader has it: tables, words, tags."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass(slots=True)
class Table:
    rows: list[list[str]] = field(default_factory=list[list[str]])
    """Of its body, without the small print of its cells."""
    attributes: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


class Page(HTMLParser):
    """Parses a page, and fails on a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, Table] = {}
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.styles = ""
        self.titles: list[str] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag == "table":
            self.tables[given.get("id", f"table {len(self.tables)}")] = Table()
        if tag == "tr" and self._inside("tbody"):
            self._table.rows.append([])
            self._table.attributes.append(given)
        if tag in {"td", "th"} and self._inside("tbody"):
            self._table.rows[-1].append("")
        if tag not in VOID:
            self._open.append((tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1][0] == tag, f"{tag} closes {self._open[-1]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._inside("style"):
            self.styles += data
            return
        if self._inside("svg"):
            if self._open[-1][0] == "title":
                self.titles.append(data)
            return
        self.words += f"{data} "
        if self._inside("tbody") and (self._inside("td") or self._inside("th")) and not self._inside("small"):
            self._table.rows[-1][-1] += data

    def _inside(self, tag: str) -> bool:
        return any(opened == tag for opened, _ in self._open)

    @property
    def _table(self) -> Table:
        return list(self.tables.values())[-1]
