"""Calls parsers with hostile inputs, and finds those that raise, stall or take too much memory."""

import hashlib
import os
import random
import resource
import shlex
import signal
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn, TypeAlias

from collectors.core.wire import is_object
from tests.fuzz.mutation import mutated

STALL_S: Final = 2.0
"""Processor time for one input."""
_MOST_MEMORY: Final = 300 * 1024 * 1024
"""By which one input, or all inputs of a target together, may raise the memory of the process."""
_TURN_S: Final = 2.0
"""How long a target's turn is."""
_MOST_SAMPLES: Final = 400
_MOST_SAMPLE_BYTES: Final = 8 * 1024 * 1024
_SHORTEST_TRIES: Final = 400
_MOST_FOUND: Final = 10
"""Faults of one target that are kept."""


Call: TypeAlias = Callable[[bytes], object]
"""Calls a parser. What it returns only tells apart the ways in which inputs end."""


def plain(call: Call) -> Callable[[], AbstractContextManager[Call]]:
    """A parser that needs nothing."""
    return lambda: nullcontext(call)


@dataclass(frozen=True, slots=True)
class Target:
    """A parser. `refusals` are the exceptions by which it refuses an input; any other is a fault."""

    name: str
    samples: tuple[bytes, ...]
    opened: Callable[[], AbstractContextManager[Call]]
    """Makes what the parser needs, such as a folder or a server."""
    refusals: tuple[type[Exception], ...] = ()
    further_samples: Callable[[], tuple[bytes, ...]] = tuple
    """Those that take a while to make."""


class StallError(BaseException):
    """An input took too long. Not an Exception, so that no parser takes it for one of its own."""


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one target."""

    target: Target
    dice: random.Random
    samples: list[bytes]
    given: int = field(init=False)
    """How many of the samples are the target's own."""
    inputs: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    grown: int = 0
    """Bytes by which the memory of the process grew in its turns."""
    found: dict[str, Path] = field(default_factory=dict[str, Path])
    """A file with the input, by the fault."""
    endings: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.given = len(self.samples)

    @property
    def accepted(self) -> int:
        return self.inputs - self.refused - len(self.found)


class Fuzzer:
    """Takes turns over targets. The same seed gives each target the same inputs in the same order."""

    def __init__(self, targets: Iterable[Target], folder: Path, seed: int = 0) -> None:
        self.tallies = [
            Tally(
                target,
                random.Random(f"{seed} {target.name}"),
                [*target.samples, *target.further_samples()],
            )
            for target in targets
        ]
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, seconds: float) -> None:
        """Take turns; begin the last one before `seconds` are over."""
        until = time.monotonic() + seconds
        while True:
            for tally in self.tallies:
                if time.monotonic() >= until:
                    return
                turn_ends = time.monotonic() + _TURN_S
                self.turn(tally, lambda turn_ends=turn_ends: time.monotonic() < turn_ends)

    def turn(self, tally: Tally, goes_on: Callable[[], bool]) -> None:
        """Call one target for as long as it goes on, at first with its samples as they are."""
        before = _memory()
        with self._running(tally.target.name) as keep, tally.target.opened() as call:
            while len(tally.found) < _MOST_FOUND and goes_on():
                self._try(tally, call, keep)
        tally.grown += _memory() - before
        if tally.grown > _MOST_MEMORY and tally.inputs > len(tally.samples):
            self._keep(tally, "memory grows from input to input", b"")

    def _try(self, tally: Tally, call: Call, keep: Callable[[bytes], None]) -> None:
        if tally.inputs < tally.given:
            data = tally.samples[tally.inputs]
        else:
            data = mutated(tally.dice, tally.dice.choice(tally.samples), tally.samples)
        tally.inputs += 1
        keep(data)
        began = time.process_time()
        ending, fault = outcome(call, tally.target.refusals, data)
        tally.slowest_s = max(tally.slowest_s, time.process_time() - began)
        if fault is not None:
            if fault not in tally.found:
                self._keep(tally, fault, shortest(call, tally.target.refusals, data, fault))
            return
        tally.refused += ending.startswith("refused")
        if ending not in tally.endings:
            tally.endings.add(ending)
            self._take_as_sample(tally, data)

    def _take_as_sample(self, tally: Tally, data: bytes) -> None:
        """An input that ended in a new way leads to others."""
        has_room = sum(map(len, tally.samples)) + len(data) <= _MOST_SAMPLE_BYTES
        if has_room and len(tally.samples) < _MOST_SAMPLES and data not in tally.samples:
            tally.samples.append(data)

    def _keep(self, tally: Tally, fault: str, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()[:12]
        path = self._folder / f"{tally.target.name}.{digest}.input"
        path.write_bytes(data)
        tally.found[fault] = path
        print(f"FOUND {tally.target.name}: {fault}\n  {command(tally.target.name, path)}", flush=True)

    @contextmanager
    def _running(self, name: str) -> Generator[Callable[[bytes], None]]:
        """Keep the input at hand in a file, for the case that the process dies of it."""
        path = self._folder / f"{name}.running"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

        def keep(data: bytes) -> None:
            os.ftruncate(file, 0)
            os.pwrite(file, data, 0)

        try:
            yield keep
        finally:
            os.close(file)
        path.unlink()


def command(name: str, path: Path) -> str:
    """The command that calls one target with one input again."""
    return f"python -m tests.fuzz --again {shlex.quote(name)} {shlex.quote(str(path))}"


def outcome(call: Call, refusals: tuple[type[Exception], ...], data: bytes) -> tuple[str, str | None]:
    """How an input ended, and the fault of the parser; None if it has none.

    The ending names the lines of a refusal, or the form of what was accepted: inputs with the same ending
    went much the same way.
    """
    before = _memory()
    _forget_peak()
    try:
        with _limited():
            said = call(data)
            form = _form(said)
    except refusals as refusal:
        ending = f"refused {_lines(refusal)}"
    except StallError:
        return "stalled", f"took more than {STALL_S:g} s of processor time"
    except Exception as error:  # noqa: BLE001 - whatever else it raises is the fault
        return "raised", f"{type(error).__name__} at {_lines(error).rpartition(' ')[2]}"
    else:
        ending = f"accepted {form}"
    if _peak() - before > _MOST_MEMORY:
        return ending, f"took more than {_MOST_MEMORY // 1024**2} MB of memory"
    return ending, None


def shortest(call: Call, refusals: tuple[type[Exception], ...], data: bytes, fault: str) -> bytes:
    """The input with as many parts left out as the same fault allows, in a limited number of tries."""
    if " at " not in fault:
        return data  # each try would take as long again
    tries, step = 0, len(data) // 2
    while step and tries < _SHORTEST_TRIES:
        at = 0
        while at < len(data) and tries < _SHORTEST_TRIES:
            tries += 1
            without = data[:at] + data[at + step :]
            if outcome(call, refusals, without)[1] == fault:
                data = without
            else:
                at += step
        step //= 2
    return data


def table(tallies: Sequence[Tally]) -> str:
    """A line for each target."""
    width = max(len(tally.target.name) for tally in tallies)
    head = f"{'target':{width}}  {'inputs':>9} {'refused':>9} {'accepted':>9} {'slowest ms':>10} {'found':>5}"
    rows = [
        f"{t.target.name:{width}}  {t.inputs:9} {t.refused:9} {t.accepted:9} {t.slowest_s * 1000:10.0f} "
        f"{len(t.found):5}"
        for t in tallies
    ]
    return "\n".join((head, *rows))


@contextmanager
def _limited() -> Generator[None]:
    """Raise StallError after so much processor time. Needs the main thread."""

    def end(_: int, __: FrameType | None) -> NoReturn:
        raise StallError

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, STALL_S, 0.1)  # again: an `except BaseException` must not stop it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _lines(error: BaseException) -> str:
    """The lines through which an exception came, the innermost of Blockline's last; at most 6 of them."""
    found: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(str(Path(__file__).parent)):
            found.append(f"{'/'.join(Path(code.co_filename).parts[-3:])}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join((type(error).__name__, *found[-6:]))


def _form(said: Any, depth: int = 3) -> str:
    """The form of a result: its types, and its values where they are few."""
    if said is None or isinstance(said, bool):
        return str(said)
    name: str = said.__class__.__name__
    if is_object(said) and depth:
        return f"{{{len(said)}}}"
    if name in {"tuple", "list", "set", "frozenset"} and depth:
        return f"[{','.join(sorted({_form(one, depth - 1) for one in list(said)[:8]}))}]"
    if is_dataclass(said) and depth:
        return f"{name}({','.join(_form(getattr(said, one.name, None), depth - 1) for one in fields(said))})"
    return f"{name}.{said.value}" if isinstance(said, Enum) else name


def _memory() -> int:
    """Bytes that the process holds now; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _forget_peak() -> None:
    """Let `_peak` begin again."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """The most bytes that the process held lately; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    except OSError:
        return 0
