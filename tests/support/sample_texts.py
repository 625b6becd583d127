"""Three random samples of 60 texts each, to be read by somebody who has not worked on them.

    python -m tests.support.sample_texts [SEED]

Prints file, line and text of (a) texts of pages, (b) errors, log lines and findings and (c) docstrings of the
heart of the program. A seed always gives the same samples of the same source; the default is 1.
"""

import ast
import random
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.house.source import ROOT, modules, tree
from tests.house.user_facing import Sentence, docstrings, in_python, in_script, in_template

SIZE = 60
HEART = (
    "jobs/detect",
    "jobs/collect",
    "jobs/alerting",
    "jobs/notify",
    "storage/changes",
    "storage/readings",
    "collectors/core",
)

_LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
_STYLES = {"className", "style"}
_REPORTED = re.compile(r"(?:Error|Fault|Finding|Problem|Refused|Failure)$")
"""What is reported to an operator by being made: errors that are collected, and findings."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_VALUE = re.compile(r"\$\{[^{}]*\}?|\{[^{}]*\}|%[sd]|%\.\d[fg]|<br>")
_LABEL = re.compile(r"[A-Z][a-z]{2,}")
_IDENTIFIER = re.compile(r"[a-z0-9.]+(?:[-_][a-z0-9]+)+")
_NOT_PROSE = re.compile(
    r"""://|%[YHd]|</|/>|class=|\\[bds]|\(\?|var\(|rgba?\(|\d(?:px|rem|fr|vw|vh)\b|!important|@media|[{;]\s*$"""
    r"""|^\s*[^\w\s"“'(…$]|'self'|\(prefers-|\[data-|\(max-|\(min-|=>|\bfunction\b|\bselect\b.*\bfrom\b|\s=\s\$\d""",
    re.DOTALL,
)
"""Styles, selectors, patterns, addresses, markup and queries."""


def pages() -> list[Sentence]:
    """Texts of pages, their scripts and templates. Errors, log lines and the API are left out."""
    found: list[Sentence] = []
    for module in modules():
        if module.is_relative_to(ROOT / "dashboard") and not module.is_relative_to(ROOT / "dashboard/api"):
            errors = {(s.line, s.text) for s in _reported(module)}
            found += [s for s in _whole(module) if (s.line, s.text) not in errors]
    for path in sorted((ROOT / "dashboard").rglob("*")):
        if path.suffix in {".mjs", ".js"} and ".min." not in path.name:
            found += in_script(path)
        elif path.suffix == ".html":
            found += in_template(path)
    return [s for s in found if _is_prose(s.text)]


def errors() -> list[Sentence]:
    """Errors, log lines and findings of all packages."""
    return [s for module in modules() for s in _reported(module) if _is_prose(s.text)]


def heart() -> list[Sentence]:
    """Docstrings of modules, classes, functions and fields in the folders of `HEART`."""
    return [
        Sentence(module.relative_to(ROOT).as_posix(), node.lineno, node.value)
        for folder in HEART
        for module in modules()
        if module.is_relative_to(ROOT / folder)
        for node in docstrings(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def sample(texts: Iterable[Sentence], seed: int) -> list[Sentence]:
    """`SIZE` of these, or all if they are fewer; equal texts count once."""
    unlike = {s.text: s for s in sorted(texts, key=_place, reverse=True)}
    pool = sorted(unlike.values(), key=_place)
    return sorted(random.Random(seed).sample(pool, min(SIZE, len(pool))), key=_place)


def _place(text: Sentence) -> tuple[str, int, str]:
    return text.file, text.line, text.text


def _whole(module: Path) -> Iterator[Sentence]:
    """The texts of a module without names of styles; a formatted one as a whole, with `…` for each value."""
    file = module.relative_to(ROOT).as_posix()
    whole: dict[tuple[int, str], Sentence] = {}
    styles = set[tuple[int, str]]()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.JoinedStr):
            parts = [(part.lineno, _text(part)) for part in node.values]
            one = Sentence(file, node.lineno, "".join(text or "…" for _, text in parts))
            whole |= {(line, text): one for line, text in parts if text}
        elif isinstance(node, ast.keyword) and node.arg in _STYLES:
            styles |= {
                (part.lineno, _text(part)) for part in ast.walk(node.value) if isinstance(part, ast.expr)
            }
    for sentence in in_python(module):
        if (sentence.line, sentence.text) not in styles:
            yield whole.get((sentence.line, sentence.text), sentence)


def _reported(module: Path) -> Iterator[Sentence]:
    """Those texts of a module that are raised, logged or made a finding."""
    lines = set[int]()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _reports(node.func)):
            lines |= {
                part.lineno for part in ast.walk(node) if isinstance(part, ast.Constant | ast.JoinedStr)
            }
    return (s for s in _whole(module) if s.line in lines)


def _reports(func: ast.expr) -> bool:
    if isinstance(func, ast.Attribute):
        logs = isinstance(func.value, ast.Name) and func.value.id.strip("_") in {"log", "logger"}
        return logs and func.attr in _LOG_METHODS
    return isinstance(func, ast.Name) and _REPORTED.search(func.id) is not None


def _text(node: ast.expr) -> str:
    """What a constant says; empty for any other expression."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_prose(text: str) -> bool:
    """Whether a text is made of words for a reader."""
    text = _VALUE.sub("…", text.strip())
    if _NOT_PROSE.search(text) or all(_IDENTIFIER.fullmatch(word) for word in text.split()):
        return False
    if " " not in text:
        return _LABEL.fullmatch(text) is not None
    return len(_WORD.findall(text)) > 1


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    titles = {"Pages": pages, "Errors, log lines and findings": errors, "Docstrings of the heart": heart}
    for title, texts in titles.items():
        print(f"\n{title} (seed {seed})\n")
        for number, text in enumerate(sample(texts(), seed), 1):
            print(f"{number:2}. {text.file}:{text.line}: {' '.join(text.text.split())}")


if __name__ == "__main__":
    main()
