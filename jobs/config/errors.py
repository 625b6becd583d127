"""Pure: what is wrong with the value of a setting, as the clause that its user reads. No clause quotes it."""

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

_WORDS: Final[Mapping[str, str]] = {
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "greater_than_equal": "has to be at least {ge}",
    "less_than_equal": "has to be at most {le}",
    "bool_type": "is neither true nor false",
    "bool_parsing": "is neither true nor false",
    "string_type": "has to be a text",
    "path_type": "has to be a text that names a file or folder",
    "tuple_type": "has to be a list",
    "dict_type": "has to be a table",
    "time_delta_type": "has to be a time such as 90s, 15m, 6h or 1d",
    "time_delta_parsing": "has to be a time such as 90s, 15m, 6h or 1d",
    "literal_error": "has to be {expected}",
    "enum": "has to be {expected}",
}
"""By the kind of fault that the library finds; ours say for themselves what they are."""


def clause(fault: ErrorDetails) -> str:
    """What is wrong, without an end: to follow the name of the setting and a colon."""
    if fault["type"] == "value_error":
        return fault["msg"].removeprefix("Value error, ").rstrip(".")
    words = _WORDS.get(fault["type"], "cannot be used")
    return f"{_part(fault)} {words.format(**fault.get('ctx', {}))}"


def _part(fault: ErrorDetails) -> str:
    """Which part of the value: an entry of a list by its place, one of a table by its name."""
    match fault["loc"][1:]:
        case (int(place), *_):
            return f"entry {place + 1}"
        case (str(name), *_):
            return f"{name!r}"
        case _:
            return "it"
