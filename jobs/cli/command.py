"""Shared parts of commands: options, times, examples, and old names of options."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand

from jobs.base.errors import CommandError
from storage.model.core.accounts import Platform
from storage.model.tables.csv_cells import in_utc

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file.",
        show_default="the one that `blockline where` names",
    ),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Store the valid lines even if other lines are refused.")
]
OnPlatform = Annotated[Platform | None, typer.Option("--platform", help="Include only this platform.")]
RepeatedlyBlocked = Annotated[
    bool,
    typer.Option("--repeatedly-blocked", help="Include only accounts and posts blocked more than once."),
]

AtMoment = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="DATE",
        help="Show this moment (ISO 8601, UTC). Default: the --as-known-at time, or now.",
    ),
]
AsKnownAt = Annotated[
    str | None, typer.Option("--as-known-at", metavar="DATE", help="Use only what was recorded by this time.")
]


def examples(*lines: str) -> str:
    """Return the examples in a command's help. An indented line continues the line before."""
    commands = [line for line in lines if not line.startswith(" ")]
    title = "Example" if len(commands) == 1 else "Examples"
    return "\n".join([f"{title}:", "", "\b", *(f"  {line}" for line in lines)])


def renamed(**new_names: str) -> type[TyperCommand]:
    """A command that still takes old names of its options, written without dashes, and says so on stderr.

    Old names work for one release.
    """

    class RenamedOptions(TyperCommand):
        old_options: ClassVar[dict[str, str]] = {f"--{old}": f"--{new}" for old, new in new_names.items()}

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            return super().parse_args(ctx, [self._current(arg) for arg in args])

        def _current(self, arg: str) -> str:
            old, equals, value = arg.partition("=")
            new = self.old_options.get(old)
            if new is None:
                return arg
            typer.echo(
                f"Note: {old} is now {new}. The old name will be removed in the next release.", err=True
            )
            return new + equals + value

    return RenamedOptions


COMMAND_LINE = "command line"
"""The actor in the audit log."""


def moment_of(text: str | None, option: str) -> datetime | None:
    """Parse the time given with an option, in UTC unless it names a zone. Raises CommandError."""
    if text is None:
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"{option}: {text!r} is not a time; write it like 2021-02-01T06:30:00Z."
        ) from error


def moment_past(text: str | None, option: str, now: datetime) -> datetime:
    """Parse the time given with an option, by default `now`. Raises CommandError for a future time."""
    at = moment_of(text, option) or now
    if at > now:
        raise CommandError(f"{option} ({at.isoformat()}) is in the future.")
    return at


def moments_past(at: str | None, as_known_at: str | None, now: datetime) -> tuple[datetime, datetime | None]:
    """Return the values of --at and --as-known-at; None means now. Raises CommandError."""
    known = None if as_known_at is None else moment_past(as_known_at, "--as-known-at", now)
    return (moment_past(at, "--at", now) if at is not None or known is None else known), known
