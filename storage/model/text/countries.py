"""Names of countries by their ISO 3166-1 code, from the table that comes with the time zone data."""

from functools import cache
from importlib.resources import files

from storage.model.core.availability import EVERYWHERE


def is_code(text: str) -> bool:
    """Whether it has the form of a code: two capital letters."""
    return len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()


def country_name(code: str) -> str:
    """The country's English name; the code itself when it is not in the table."""
    return "Everywhere" if code == EVERYWHERE else official_names().get(code, code)


@cache
def official_names() -> dict[str, str]:
    """The English names of all countries by their codes."""
    table = files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text(encoding="utf-8")
    lines = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {code: name for code, name in lines}
