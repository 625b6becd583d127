"""What people read: sentences of pages, scripts, commands, mails, the API document and the documentation."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house.source import PACKAGES, ROOT, modules, tree

_SHOWN_BY_DECORATOR = {"command", "callback", "get", "post", "put", "patch", "delete"}
"""What decorates a function whose docstring is a help text or a description in the API document."""
_SQL = re.compile(
    r"\s*(select|insert|update|delete|with|from|where|create|lock|set|order by|join|and|or)\b", re.IGNORECASE
)
_SCRIPT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)""", re.DOTALL
)
_CODE_IN_MARKDOWN = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|<[^>]+>", re.DOTALL)
_TAGS = re.compile(
    r"<(style|script)\b.*?</\1>|<!--.*?-->|\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}"
    r"|\s(?:aria-label|title|placeholder|alt)=\"([^\"]*)\"|<[^>]*>",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text that somebody reads, and where it is written."""

    file: str
    line: int
    text: str


@cache
def sentences() -> tuple[Sentence, ...]:
    """Every one, by file."""
    return tuple(_sentences())


def _sentences() -> Iterator[Sentence]:
    for module in modules():
        yield from in_python(module)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in {".mjs", ".js"}:
                yield from in_script(path)
            elif path.suffix in {".html", ".txt"}:
                yield from in_template(path)
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        yield from in_markdown(path)


def in_python(module: Path) -> Iterator[Sentence]:
    """Constants that hold a sentence or a label, and the docstrings that become help or API descriptions."""
    silent = docstrings(module) if "api" not in module.parts else set[ast.AST]()
    for node in ast.walk(tree(module)):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in silent:
            continue
        if (" " in node.value or node.value[:1].isupper()) and not _SQL.match(node.value):
            yield _at(module, node.lineno, node.value)


@cache
def docstrings(module: Path) -> set[ast.AST]:
    """Those that only readers of the source see."""
    found = set[ast.AST]()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found |= set() if _is_shown(node) else {e.value for e in node.body if isinstance(e, ast.Expr)}
    return found


def _is_shown(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    names = (
        d.func.attr
        for d in node.decorator_list
        if isinstance(d, ast.Call) and isinstance(d.func, ast.Attribute)
    )
    return not _SHOWN_BY_DECORATOR.isdisjoint(names)


def in_script(path: Path) -> Iterator[Sentence]:
    source = path.read_text()
    for match in _SCRIPT.finditer(source):
        if (text := match["text"]) and " " in text:
            yield _at(path, source.count("\n", 0, match.start()) + 1, text[1:-1])


def in_template(path: Path) -> Iterator[Sentence]:
    shown = _TAGS.sub(lambda m: (m[2] or "") + "\n" * m[0].count("\n") + " ", path.read_text())
    for number, line in enumerate(shown.splitlines(), 1):
        if line.strip():
            yield _at(path, number, line.strip())


def in_markdown(path: Path) -> Iterator[Sentence]:
    """Line by line, without code and addresses."""
    text = _CODE_IN_MARKDOWN.sub(lambda m: "\n" * m[0].count("\n") + " ", path.read_text())
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _at(path, number, line.strip())


def _at(path: Path, line: int, text: str) -> Sentence:
    return Sentence(path.relative_to(ROOT).as_posix(), line, text)
