"""What parts of a request may be, and what they are called in the OpenAPI document."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from storage.model.core.accounts import Platform
from storage.model.core.availability import Status

FIRST_YEAR, LAST_YEAR = 1900, 9998
"""None of these platforms is older; the first and last years that there are mean "always" and "never"."""
LARGEST_ID = 9_007_199_254_740_991
"""What every JSON reader holds exactly."""
MOST = 500
"""Items of one page."""


def moment_of(value: object) -> datetime:
    """A time with its zone, in UTC. Raises ValueError with one sentence."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise ValueError("This is not a time; write it like 2021-02-11T12:00:00Z.")
    if at.tzinfo is None:
        raise ValueError("This time has no zone; write it like 2021-02-11T12:00:00Z.")
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"The year must be between {FIRST_YEAR} and {LAST_YEAR}.")
    return at.astimezone(UTC)


def storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("This text contains a character that is not allowed.")
    return text


Moment = Annotated[
    datetime,
    PlainValidator(moment_of),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2021-02-11T12:00:00Z"]}),
]
"""A time with its zone (ISO 8601)."""
StoryKey = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(storable)]
Text = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra={"pattern": "^[^\\u0000]*$"}),
    AfterValidator(storable),
]
Number = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["IN"])]
"""ISO 3166-1 code of two capital letters."""

PathNumber = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Items per page.")]
CursorText = Annotated[
    str | None,
    Query(max_length=400, description="From `next` of the previous page. It belongs to the same request."),
]

OnPlatform = Annotated[Platform | None, Query(description="Only this platform.")]
OnList = Annotated[
    Text | None,
    Query(alias="list", description="Only accounts that are now on the list of this name."),
]
StatusOrUnknown = Literal[
    "available", "protected", "withheld", "suspended", "deactivated", "not_found", "unknown"
]
InStatus = Annotated[
    list[StatusOrUnknown] | None,
    Query(
        alias="status",
        description="Only accounts with one of these statuses. `unknown` means that no status is confirmed.",
    ),
]
InStatuses = Annotated[list[Status] | None, Query(alias="status", description="Only one of these statuses.")]
InCountry = Annotated[
    Country | None,
    Query(alias="country", description="Only accounts withheld in this country, or in all countries."),
]
OfAccount = Annotated[
    Number | None, Query(alias="account", description="Only this account, by Blockline's number.")
]
OfPosts = Annotated[bool | None, Query(alias="post", description="True: only posts. False: only accounts.")]
RepeatedlyBlocked = Annotated[
    bool,
    Query(
        description="True: only accounts and posts with two or more block periods: blocked, seen shown, and "
        "blocked again."
    ),
]
From = Annotated[Moment | None, Query(alias="from", description="From this time on, inclusive.")]
To = Annotated[Moment | None, Query(alias="to", description="Up to this time, exclusive.")]
At = Annotated[Moment | None, Query(description="The state at this time. Default: now.")]
AsKnownAt = Annotated[
    Moment | None, Query(description="Only what had been recorded by this time. Default: everything.")
]
