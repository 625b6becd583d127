"""Opens history and acts files, gzipped or plain, and hands their lines to the pure readers."""

import gzip
import zlib
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import TypeVar

from collectors.simulator.engagement_file import SimulatedAct, parse_acts
from collectors.simulator.history import History, HistoryError, parse_history
from collectors.simulator.recorded_history import is_recorded, parse_recorded

_T = TypeVar("_T")


def load_history(path: Path) -> History:
    """The history in a file of either kind, told apart by its header. Raises HistoryError."""
    return _with_lines(path, _history)


def load_acts(path: Path) -> tuple[SimulatedAct, ...]:
    """The acts of executives in a file. Raises HistoryError."""
    return _with_lines(path, parse_acts)


def _history(lines: Iterable[str], name: str) -> History:
    rest = iter(lines)
    header = next(rest, "")
    read = parse_recorded if is_recorded(header) else parse_history
    return read(chain([header], rest), name)


def _with_lines(path: Path, read: Callable[[Iterable[str], str], _T]) -> _T:
    try:
        zipped = path.suffix == ".gz"
        with (
            gzip.open(path, "rt", encoding="utf-8", newline="")
            if zipped
            else path.open(encoding="utf-8", newline="") as lines
        ):
            return read(lines, path.name)
    except UnicodeDecodeError as e:
        raise HistoryError(f"{path.name}: the file is not UTF-8 text.") from e
    except (EOFError, gzip.BadGzipFile, zlib.error) as e:
        raise HistoryError(f"{path.name}: the file is not a complete gzip file.") from e
    except FileNotFoundError:
        raise HistoryError(f"{path.name}: the file does not exist.") from None
    except OSError as e:
        raise HistoryError(f"{path.name}: the file cannot be read ({e.strerror or e}).") from e
