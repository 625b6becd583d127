"""Whether the tests notice faults: small faults are put into the core, one at a time, and its tests run.

`python -m tests.support.mutants` works on a copy of the tree, and says of each whether a test noticed it,
or did not end.
"""

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parents[2]
_FOUND_BEFORE = "tests/truth/test_found_before.py"
CORE: dict[str, tuple[str, ...]] = {
    "jobs/detect/transitions.py": ("tests/jobs/detect", _FOUND_BEFORE),
    "jobs/detect/confirmation.py": ("tests/jobs/detect", _FOUND_BEFORE),
    "jobs/detect/judge.py": ("tests/jobs/detect", "tests/jobs/collect/test_monitor.py", _FOUND_BEFORE),
    "jobs/detect/redetect.py": (
        "tests/jobs/detect",
        _FOUND_BEFORE,
        "tests/jobs/collect/test_load_accounts.py",
        "tests/jobs/collect/test_late_readings.py",
    ),
    "jobs/collect/late_readings.py": (
        _FOUND_BEFORE,
        "tests/jobs/collect/test_answers_taken_over.py",
        "tests/jobs/collect/test_late_readings.py",
    ),
    "jobs/collect/recorder.py": (
        "tests/jobs/collect/test_recorder.py",
        _FOUND_BEFORE,
        "tests/jobs/collect/test_answers_taken_over.py",
        "tests/jobs/collect/test_monitor.py",
    ),
    "storage/changes/record.py": (
        "tests/storage/changes",
        _FOUND_BEFORE,
        "tests/jobs/collect/test_monitor.py",
    ),
    "storage/changes/corrections.py": (
        _FOUND_BEFORE,
        "tests/storage/changes",
        "tests/jobs/collect/test_answers_taken_over.py",
        "tests/jobs/collect/test_late_readings.py",
    ),
    "jobs/alerting/waves.py": ("tests/jobs/alerting", "tests/jobs/notify"),
    "jobs/alerting/policy.py": ("tests/jobs/alerting", "tests/jobs/notify"),
    "jobs/notify/notifier.py": ("tests/jobs/notify",),
}
"""The modules that decide and record, and the tests that have to notice what goes wrong there."""
LONGEST_S = 900
_SWAPPED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: what stands between two places of a file, and what is put there."""

    module: str
    line: int
    start: int
    end: int
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {' '.join(self.was.split())} -> {' '.join(self.becomes.split())}"


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Every fault that can be put into a module."""
    raw = source.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(node: ast.expr | ast.stmt) -> tuple[int, int]:
        end_line, end = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return starts[node.lineno - 1] + node.col_offset, starts[end_line - 1] + end

    def text(node: ast.expr | ast.stmt) -> str:
        start, end = place(node)
        return raw[start:end].decode()

    for node in ast.walk(ast.parse(source)):
        for wrong, becomes in (*_other_condition(node, text), *_other_value(node, text)):
            yield Mutant(module, wrong.lineno, *place(wrong), text(wrong), becomes)


_Text: TypeAlias = Callable[[ast.expr | ast.stmt], str]
_Faults: TypeAlias = Iterator[tuple[ast.expr | ast.stmt, str]]


def _other_condition(node: ast.AST, text: _Text) -> _Faults:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        swapped = _SWAPPED[type(node.ops[0])]
        yield node, f"{text(node.left)} {swapped} {text(node.comparators[0])}"
    elif isinstance(node, ast.BoolOp):
        other = " or " if isinstance(node.op, ast.And) else " and "
        yield node, "(" + other.join(f"({text(v)})" for v in node.values) + ")"
    elif isinstance(node, ast.If | ast.IfExp):
        yield node.test, f"(not ({text(node.test)}))"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, text(node.operand)


def _other_value(node: ast.AST, text: _Text) -> _Faults:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        sign = "-" if isinstance(node.op, ast.Add) else "+"
        yield node, f"{text(node.left)} {sign} {text(node.right)}"
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield node, str(node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"min", "max"}:
        yield node.func, "max" if node.func.id == "min" else "min"
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
        yield node, "pass"


def outcome(mutant: Mutant, tree: Path) -> str:
    """Whether a test fails with the fault in a copy of the tree."""
    path = tree / mutant.module
    whole = path.read_bytes()
    path.write_bytes(whole[: mutant.start] + mutant.becomes.encode() + whole[mutant.end :])
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *CORE[mutant.module]], cwd=tree, capture_output=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return "hung"
    finally:
        path.write_bytes(whole)
    return "SURVIVED" if done.returncode == 0 else "noticed"


def chosen(number: int, seed: int) -> list[Mutant]:
    """As many faults of each module as of any other, while there are any."""
    rng = random.Random(seed)
    of_module = {m: list(mutants_of(m, (ROOT / m).read_text())) for m in CORE}
    for found in of_module.values():
        rng.shuffle(found)
    picked: list[Mutant] = []
    while len(picked) < number and any(of_module.values()):
        picked += [found.pop() for found in of_module.values() if found]
    return sorted(picked[:number], key=lambda m: (m.module, m.start))


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--number", type=int, default=60)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--part", default="1/1", help="which part of them, as 1/2")
    given = asked.parse_args()
    part, parts = (int(n) for n in given.part.split("/"))
    picked = chosen(given.number, given.seed)[part - 1 :: parts]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="blockline-mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "*_cache", "__pycache__"))
        for n, mutant in enumerate(picked, 1):
            found = outcome(mutant, tree)
            survivors += found == "SURVIVED"
            print(f"{n}/{len(picked)} {found} {mutant}", flush=True)
    print(f"{len(picked)} faults, {survivors} not noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
