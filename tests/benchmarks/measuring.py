"""What benchmarks measure with: a figure, a database as it is shipped, and what processes took."""

import asyncio
import os
import resource
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from storage.embedded.launcher import embedded_postgres
from storage.postgres.migrate import migrate

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    better: Better
    reference: float | None = None
    """The same job done in the plainest way, measured in the same run; None where there is no such thing."""

    def as_json(self, group: str) -> dict[str, object]:
        return {
            "group": group,
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "better": self.better,
            "reference": None if self.reference is None else round(self.reference, 3),
            "ratio": None if not self.reference else round(self.value / self.reference, 3),
        }


@contextmanager
def scratch_database() -> Generator[str]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-postgres-"))
    try:
        with embedded_postgres(folder) as dsn:
            asyncio.run(migrate(dsn))
            yield dsn
    finally:
        shutil.rmtree(folder)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_s_of(pid: int) -> float:
    """The same of another process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid: int | None = None) -> int:
    """Of this process; with `pid`, of that one."""
    pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


_EVERY_S = 0.001
_ROOT = f"{Path(__file__).parents[2]}/"
_INSTALLED = "site-packages/"


class Sampler:
    """Looks at what runs after each millisecond of work, between `start` and `stop`.

    `parts` are named by how the paths of their files begin, seen from the root of the project or from where
    packages are installed; the first that fits counts. A sample belongs to the innermost function of any
    part; "loop" is the rest. Only for the main thread.
    """

    def __init__(self, parts: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        self._parts = parts
        self._found: Counter[str] = Counter()
        self._known: dict[str, str | None] = {}

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def shares(self) -> dict[str, float]:
        """By part, in the order of `parts`."""
        total = sum(self._found.values()) or 1
        return {name: self._found[name] / total for name in (*(name for name, _ in self._parts), "loop")}

    def _sample(self, _: int, frame: FrameType | None) -> None:
        part = None
        while frame is not None and part is None:
            part = self._part(frame.f_code.co_filename)
            frame = frame.f_back
        self._found[part or "loop"] += 1

    def _part(self, file: str) -> str | None:
        if file not in self._known:
            path = file.rpartition(_INSTALLED)[2] if _INSTALLED in file else file.removeprefix(_ROOT)
            self._known[file] = next((name for name, begins in self._parts if path.startswith(begins)), None)
        return self._known[file]
