"""What commands share: their options, and the moments that are given with them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.errors import CommandError
from storage.model.tables.csv_cells import in_utc

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file.", show_default="blockline.toml, if there is one"),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Store the lines that are right, even if others are refused.")
]

AtMoment = Annotated[
    str | None,
    typer.Option("--at", help="How it stood then, ISO 8601 in UTC; by default now, or when it was known."),
]
AsKnownAt = Annotated[str | None, typer.Option("--as-known-at", help="Only what had been recorded by then.")]

COMMAND_LINE = "command line"
"""Who acted, for the audit log."""


def moment_of(text: str | None, option: str) -> datetime | None:
    """The time that was given with an option, UTC unless it says otherwise. Raises CommandError."""
    if text is None:
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"{option}: {text!r} is not a time; write it like 2021-02-01T06:30:00Z."
        ) from error


def moment_past(text: str | None, option: str, now: datetime) -> datetime:
    """The time that was given with an option, `now` by default. Raises CommandError for one still to come."""
    at = moment_of(text, option) or now
    if at > now:
        raise CommandError(f"{option} ({at.isoformat()}) is in the future.")
    return at


def moments_past(at: str | None, as_known_at: str | None, now: datetime) -> tuple[datetime, datetime | None]:
    """The moment that is asked about, and as known when (None: now). Raises CommandError."""
    known = None if as_known_at is None else moment_past(as_known_at, "--as-known-at", now)
    return (moment_past(at, "--at", now) if at is not None or known is None else known), known
