"""Outside its own folder no platform is named: everything else asks what the platform declares."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from tests.house.source import ROOT, modules, tree

KEYS = "|".join(key for key in Platform if len(key) > 1)
NAMES = "|".join(declared.name for declared in DECLARED.values())
# A key of one letter is found by the word that it makes: "on X", "x_base_url".
_NAME = re.compile(rf"\b(?:{NAMES})\b|(?i:{KEYS})|\bx_[a-z]+_[a-z]+|\bcollectors\.(?:{'|'.join(Platform)})\b")
# A system, a mail header, options of curl and psql, a marker of plotly; and the story of the demonstration.
_NO_PLATFORM = re.compile(r"Mac OS X|X-Priority|-X PUT|^-X$|^x$|collectors\.x\.scenario")


def _checked() -> list[Path]:
    asked = ("storage", "dashboard", "jobs")
    return [m for m in modules() if m.relative_to(ROOT).parts[0] in asked and "migrations" not in m.parts]


def _texts(module: Path) -> Iterator[tuple[int, str]]:
    """Names, imported modules and strings of a module, without docstrings, each with its line."""
    said = {id(node.value) for node in ast.walk(tree(module)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(module)):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in said:
                yield node.lineno, text
            case ast.Name(id=text) | ast.Attribute(attr=text):
                yield node.lineno, text if len(text) > 1 else ""
            case ast.ImportFrom(module=str(text)) | ast.keyword(arg=str(text)) | ast.arg(arg=text):
                yield node.lineno, text
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text) | ast.ClassDef(name=text):
                yield node.lineno, text
            case _:
                pass


def _named(module: Path) -> list[str]:
    return [
        f"line {line}: {text[:60]}"
        for line, text in _texts(module)
        if _NAME.search(_NO_PLATFORM.sub("", text))
    ]


def test_no_module_names_a_platform() -> None:
    assert {str(module.relative_to(ROOT)): found for module in _checked() if (found := _named(module))} == {}


def test_neither_does_the_browser() -> None:
    for script in (ROOT / "dashboard" / "assets").rglob("*.mjs"):
        assert not re.search(rf"(?i:{KEYS})", script.read_text(encoding="utf-8")), script
