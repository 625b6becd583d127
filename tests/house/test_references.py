"""What a docstring or a comment names is there: a module, what is in it, and the exceptions it speaks of."""

import ast
import builtins
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

from tests.house.source import ROOT, dotted, modules, tree

_DOTTED = re.compile(r"`((?:collectors|storage|dashboard|jobs)(?:\.\w+)+)(?:\(\))?`")
_RAISES = re.compile(r"\bRaises ((?:(?:an? )?[A-Z]\w+(?:, and |, or |, | and | or )?)+)")
_LIBRARIES = frozenset({"CancelledError", "TimeoutError", "ExceptionGroup", "BrokenExecutor"})


@cache
def defined() -> dict[str, frozenset[str]]:
    """By module: every name that it binds, at any depth."""
    found: dict[str, frozenset[str]] = {}
    for module in modules():
        names: set[str] = set()
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
        found[dotted(module)] = frozenset(names)
    return found


@cache
def said(module: Path) -> tuple[str, ...]:
    """Strings and comments of a module, white space folded."""
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.COMMENT)}
    tokens = tokenize.generate_tokens(io.StringIO(module.read_text()).readline)
    return tuple(" ".join(token.string.split()) for token in tokens if token.type in kinds)


def is_there(name: str) -> bool:
    """`jobs.detect.judge`, or `jobs.detect.judge.Judge.rule`: the longest module, and what is in it."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        if (module := ".".join(parts[:n])) in defined():
            return all(part in defined()[module] for part in parts[n:])
    return False


@pytest.mark.parametrize("package", ["collectors", "storage", "dashboard", "jobs"])
def test_a_dotted_name_in_a_docstring_is_there(package: str) -> None:
    of_package = [m for m in modules() if m.relative_to(ROOT).parts[0] == package]
    named = {
        (str(m.relative_to(ROOT)), name)
        for m in of_package
        for text in said(m)
        for name in _DOTTED.findall(text)
    }
    assert named
    assert sorted((file, name) for file, name in named if not is_there(name)) == []


def test_an_exception_that_a_docstring_says_is_raised_exists() -> None:
    known = {name for names in defined().values() for name in names} | set(dir(builtins)) | _LIBRARIES
    raised = {
        (str(m.relative_to(ROOT)), word)
        for m in modules()
        for text in said(m)
        for clause in _RAISES.findall(text)
        for word in re.findall(r"[A-Z]\w+", clause)
    }
    assert len(raised) > 100
    assert sorted((file, word) for file, word in raised if word not in known) == []
