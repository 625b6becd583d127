"""PURE: what one cell of a user's table means, or the fault of it as the end of a sentence."""

import re
from datetime import UTC, datetime

from storage.model.accounts import Platform

_X_ID = re.compile(r"[1-9][0-9]{0,18}")
_SHORTENED = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]+\.0+")
_X_HANDLE = re.compile(r"[A-Za-z0-9_]{1,50}")
_OTHER_HANDLE = re.compile(r"[^\s@,;/]+(\.[^\s@,;/]+)+|[^\s@,;/]+@[^\s@,;/]+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class CellError(Exception):
    """A cell makes no sense. The message is a clause that names its content."""


def text(cell: str, column: str) -> str:
    """The cell, which must not be empty."""
    if not cell:
        raise CellError(f"{column} is empty.")
    return cell


def platform(cell: str) -> Platform:
    """The platform that the cell names."""
    try:
        return Platform(cell.lower())
    except ValueError as error:
        known = ", ".join(p.value for p in Platform)
        raise CellError(f"unknown platform {cell!r}; known are {known}.") from error


def account_id(cell: str, where: Platform) -> str:
    """The platform's own stable id of an account."""
    if where is Platform.X and _SHORTENED.fullmatch(cell):
        raise CellError(f"{cell!r} is an account id that a spreadsheet has shortened; keep ids as text.")
    good = {
        Platform.X: bool(_X_ID.fullmatch(cell)) and int(cell or 0) < 2**63,
        Platform.BLUESKY: cell.startswith("did:") and " " not in cell,
        Platform.MASTODON: cell.startswith(("https://", "http://")) and " " not in cell,
    }
    if not good[where]:
        raise CellError(f"{cell!r} is not an account id of {where.value}.")
    return cell


def handle(cell: str, where: Platform) -> str:
    """A handle without its leading @."""
    name = text(cell, "handle").removeprefix("@")
    pattern = _X_HANDLE if where is Platform.X else _OTHER_HANDLE
    if not pattern.fullmatch(name):
        raise CellError(f"{cell!r} is not a handle of {where.value}.")
    return name


def country(cell: str) -> str:
    """An ISO 3166-1 code of two capital letters."""
    if not _COUNTRY.fullmatch(cell):
        raise CellError(f"{cell!r} is not a country code of two capital letters.")
    return cell


def moment(cell: str, column: str) -> datetime:
    """A time in UTC. One without its zone is refused: nobody can know which clock was meant."""
    try:
        at = datetime.fromisoformat(text(cell, column))
        zoned = at.tzinfo is not None
        utc = at.astimezone(UTC) if zoned else at
    except (ValueError, OverflowError) as error:
        raise CellError(f"{column} {cell!r} is an impossible time.") from error
    if not zoned:
        raise CellError(f"{column} {cell!r} has no time zone; write it like 2021-01-31T06:30:00Z.")
    return utc


def day(cell: str, column: str) -> datetime:
    """The first moment of a day in UTC."""
    try:
        return datetime.fromisoformat(cell if _DAY.fullmatch(cell) else "").replace(tzinfo=UTC)
    except ValueError as error:
        raise CellError(f"{column} {cell!r} is an impossible day.") from error


def count(cell: str, column: str) -> int:
    """A number of accounts, from 0."""
    if not (cell.isascii() and cell.isdigit() and len(cell) < 10):
        raise CellError(f"{column} {cell!r} is not a number of accounts.")
    return int(cell)


def names(cell: str) -> tuple[str, ...]:
    """Names separated by semicolons, each once."""
    return tuple(dict.fromkeys(name for part in cell.split(";") if (name := part.strip())))
