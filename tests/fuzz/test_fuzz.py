"""A few hostile inputs for every parser of foreign bytes; and the runner finds the faults of a parser."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collectors.core.wire import is_object
from tests.fuzz.runner import Call, Fuzzer, Target, outcome, plain, table
from tests.fuzz.targets import TARGETS

INPUTS = 30


def some(inputs: int) -> Callable[[], bool]:
    """Go on for so many inputs."""
    left = itertools.repeat(True, inputs)
    return lambda: next(left, False)


@pytest.mark.slow
@pytest.mark.parametrize("target", [pytest.param(target, id=target.name) for target in TARGETS])
def test_a_parser_of_foreign_bytes_raises_nothing_else_than_its_refusals(
    target: Target, tmp_path: Path
) -> None:
    fuzzer = Fuzzer([target], tmp_path)
    fuzzer.turn(fuzzer.tallies[0], some(INPUTS))
    assert fuzzer.tallies[0].found == {}
    assert fuzzer.tallies[0].inputs == INPUTS


def test_a_name_belongs_to_one_target() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS)


SAMPLE = json.dumps({"id": "5", "at": "2021-02-12T08:00:00Z", "tags": ["a", "b"]}).encode()


def reads(data: bytes) -> Any:
    """A right parser."""
    document: Any = json.loads(data)
    if not is_object(document):
        raise ValueError("not an object")
    return document


def expects_a_field(data: bytes) -> object:
    return reads(data)["id"]


def never_ends(data: bytes) -> object:
    while b'"5"' not in data:
        pass
    return reads(data)


def swallows_everything_and_never_ends(data: bytes) -> object:
    while b'"5"' not in data:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001, S112
            continue
    return None


def takes_much_memory(data: bytes) -> object:
    return reads(data) if b'"5"' in data else len(b"x" * (320 * 1024 * 1024))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "fault"),
    [
        pytest.param(reads, None, id="a right parser has none"),
        pytest.param(expects_a_field, "KeyError at", id="an exception that is no refusal"),
        pytest.param(never_ends, "took more than 2 s of processor time", id="no end"),
        pytest.param(
            swallows_everything_and_never_ends, "took more than 2 s", id="no end, whatever is raised"
        ),
        pytest.param(takes_much_memory, "of memory", id="memory"),
    ],
)
def test_a_fault_of_a_parser_is_found_and_kept_with_its_input(
    call: Call, fault: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fuzzer = Fuzzer([Target("planted", (SAMPLE,), plain(call), (ValueError, RecursionError))], tmp_path)
    (tally,) = fuzzer.tallies
    tries = itertools.repeat(True, 500)
    fuzzer.turn(tally, lambda: not tally.found and next(tries, False))
    if fault is None:
        assert (tally.found, list(tmp_path.iterdir())) == ({}, [])
        return
    ((found, path),) = tally.found.items()
    assert fault in found
    assert outcome(call, (ValueError, RecursionError), path.read_bytes())[1] == found
    assert f"--again planted {path}" in capsys.readouterr().out


def test_an_input_that_raises_is_made_short(tmp_path: Path) -> None:
    def call(data: bytes) -> object:
        return 1 // (b"!" not in data)

    fuzzer = Fuzzer([Target("planted", (b"a" * 1000 + b"!" + b"b" * 1000,), plain(call))], tmp_path)
    fuzzer.turn(fuzzer.tallies[0], some(1))
    (path,) = fuzzer.tallies[0].found.values()
    assert path.read_bytes() == b"!"


def test_the_same_seed_makes_the_same_inputs_whatever_the_turns(tmp_path: Path) -> None:
    def inputs_of(seed: int, *turns: int) -> list[bytes]:
        seen: list[bytes] = []

        def call(data: bytes) -> object:
            seen.append(data)
            return reads(data)

        fuzzer = Fuzzer([Target("t", (SAMPLE,), plain(call), (ValueError, RecursionError))], tmp_path, seed)
        for turn in turns:
            fuzzer.turn(fuzzer.tallies[0], some(turn))
        return seen

    assert inputs_of(1, 200) == inputs_of(1, 50, 150)
    assert inputs_of(1, 200) != inputs_of(2, 200)


def test_the_table_has_a_line_for_each_target(tmp_path: Path) -> None:
    fuzzer = Fuzzer([Target("planted", (SAMPLE, b"[]"), plain(reads), (ValueError,))], tmp_path)
    fuzzer.turn(fuzzer.tallies[0], some(2))
    head, line = table(fuzzer.tallies).splitlines()
    assert head.split() == ["target", "inputs", "refused", "accepted", "slowest", "ms", "found"]
    assert line.split()[:4] == ["planted", "2", "1", "1"]
