"""The time for commands: that of a running demonstration on its data, and that of the machine on all other.

The scenario plays in 2021. If a command recorded something in it at the time of today, everything that the
demonstration sees afterwards would count as known today.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from jobs.base.clock import system_clock
from jobs.base.errors import CommandError

CLOCK_VARIABLE = "BLOCKLINE_DEMO_CLOCK"
"""Environment variable with the path of the file that holds the time. A settings file cannot contain it."""


def write_clock(file: Path, at: datetime) -> None:
    """Write the time of a demonstration, whole or not at all. It is that of the last event, so that a command
    is never ahead.
    """
    written = file.with_suffix(".new")
    written.write_text(at.isoformat(), encoding="utf-8")
    written.replace(file)


def command_clock(environ: Mapping[str, str] = os.environ) -> datetime:
    """Return the time for a command: that of the demonstration whose clock the environment names, else that
    of the machine. Raises CommandError if no demonstration writes it.
    """
    file = environ.get(CLOCK_VARIABLE)
    if not file:
        return system_clock()
    try:
        return datetime.fromisoformat(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{CLOCK_VARIABLE} names {file}, which no running demonstration writes. Unset it, or set it as "
            "`blockline demo` prints it."
        ) from error


def has_clock(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment names the clock of a demonstration."""
    return bool(environ.get(CLOCK_VARIABLE))


def refuse_demonstration(environ: Mapping[str, str] = os.environ) -> None:
    """Raise CommandError where the environment names the clock of a demonstration: a monitor has its own."""
    if has_clock(environ):
        raise CommandError(f"{CLOCK_VARIABLE} is set: a monitor cannot run on a demonstration. Unset it.")
