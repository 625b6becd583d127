"""Pure: what one cell of a user's table means, or the fault of it as the end of a sentence."""

import re
from datetime import UTC, datetime

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.model.tables.account_references import AddressError, read_address, unread_site_of
from storage.model.tables.tag_and_list_edits import LONGEST_TAG, tag_fault

_SHORTENED = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]+\.0+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST_YEAR, _LAST_YEAR = 1900, 9998
"""None of these platforms is older; a deadline may be called never."""


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
    declared = DECLARED[where]
    if not declared.is_native_id(cell):
        if _SHORTENED.fullmatch(cell):
            raise CellError(f"{cell!r} is an account id that a spreadsheet has shortened; keep ids as text.")
        raise CellError(f"{cell!r} is not an account id of {declared.name}, such as {declared.id_example}.")
    return _read_there(cell, where)


def _read_there(cell: str, where: Platform) -> str:
    if (site := unread_site_of(where, cell)) is not None:
        raise CellError(f"{cell!r} is {site.refusal}")
    return cell


def account_id_or_part(cell: str, where: Platform) -> tuple[str | None, str | None]:
    """The stable id, or else the part of one before its #, to which the platform has to add the rest."""
    if not cell:
        return None, None
    if DECLARED[where].is_incomplete_id(cell):
        return None, _read_there(cell, where)
    return account_id(cell, where), None


def handle(cell: str, where: Platform) -> str:
    """A handle without its leading @, taken out of the address of a profile where that stands there.

    On some platforms the id may stand for it.
    """
    try:
        found = read_address(text(cell, "handle"), where)
    except AddressError as fault:
        raise CellError(str(fault)) from fault
    if found.is_id and not DECLARED[where].id_may_stand_for_handle:
        raise CellError(f"handle {cell!r} is an id; put the id into account_id and the handle into handle.")
    return found.name


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
        utc = in_utc(at)
    except (ValueError, OverflowError) as error:
        raise CellError(f"{column} {cell!r} is an impossible time.") from error
    if not zoned:
        raise CellError(f"{column} {cell!r} has no time zone; write it like 2021-01-31T06:30:00Z.")
    return utc


def in_utc(at: datetime) -> datetime:
    """The time in UTC, which one without its zone is taken to be in.

    Raises OverflowError for one that nobody can have seen: the first and the last there are mean "always" and
    "never" to a database.
    """
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise OverflowError(at)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def day(cell: str, column: str) -> datetime:
    """The first moment of a day in UTC."""
    try:
        return in_utc(datetime.fromisoformat(cell if _DAY.fullmatch(cell) else ""))
    except (ValueError, OverflowError) as error:
        raise CellError(f"{column} {cell!r} is not a valid day; write it like 2021-01-31.") from error


def is_day(text: str) -> bool:
    """Whether a text is a date without a time."""
    return _DAY.fullmatch(text.strip()) is not None


def count(cell: str, column: str) -> int:
    """A number of accounts, from 0."""
    if not (cell.isascii() and cell.isdigit() and len(cell) < 10):
        raise CellError(f"{column} {cell!r} is not a number of accounts.")
    return int(cell)


def followers(cell: str) -> int | None:
    """How many follow an account; None for an empty cell."""
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit() and len(cell) < 13):
        raise CellError(f"followers {cell!r} is not a number in plain digits.")
    return int(cell)


def tags(cell: str) -> tuple[str, ...]:
    """Tags separated by spaces or semicolons, each once."""
    found = tuple(dict.fromkeys(cell.replace(";", " ").split()))
    for one in found:
        if (fault := tag_fault(one)) is not None:
            raise CellError(fault)
    return found


def keywords(cell: str) -> tuple[str, ...]:
    """Words with spaces, commas or semicolons between, each once: in small letters, without a # before."""
    found = dict.fromkeys(word.removeprefix("#").lower() for word in re.split(r"[\s,;]+", cell))
    for one in found:
        if not one.isprintable() or len(one) > LONGEST_TAG:
            raise CellError(f"keyword {one!r} must have 1 to {LONGEST_TAG} visible characters.")
    return tuple(word for word in found if word)


def names(cell: str) -> tuple[str, ...]:
    """Names separated by semicolons, each once."""
    return tuple(dict.fromkeys(name for part in cell.split(";") if (name := part.strip())))
