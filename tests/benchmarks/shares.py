"""Where a process spends its processor time: samples of what runs, taken by a timer of its own work."""

import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

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
