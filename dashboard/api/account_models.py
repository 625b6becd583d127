"""What the API says of an account and of the state that it is in."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from storage.accounts.paged_accounts import AccountRow, StateRow
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, Status
from storage.model.core.availability import State as Confirmed
from storage.model.text.states import state_words


class ApiModel(BaseModel):
    """Base of everything that is answered: the docstring of a field is its description in the document."""

    model_config = ConfigDict(use_attribute_docstrings=True, from_attributes=True)


class State(ApiModel):
    """A confirmed status. It began after `last_seen_old` and at or before `since`."""

    status: Status
    withheld_in: list[str]
    """ISO 3166-1 codes, or `XX` for all countries; empty unless the status is `withheld`."""
    words: str
    """The same in English, with what the platform leaves open."""
    flags: list[Flag] | None
    """Side facts from the first reading of the state, and who took the account down, from the newest reading
    that says so. Null if the beginning of the state was not seen.
    """
    last_seen_old: datetime | None
    """The last reading that shows the previous state. Null if there is none."""
    since: datetime
    """The first reading of this state."""
    source: str
    """The platform's name for Blockline's own readings, `import:NAME` for a record published by others."""
    change_id: int
    """The change that began it."""


class Provisional(ApiModel):
    """What newer readings show but too few have confirmed. It is not a status yet."""

    change_id: int
    status: Status
    withheld_in: list[str]
    words: str
    first_seen_new: datetime
    readings: int
    """Number of agreeing readings so far."""


class Account(ApiModel):
    """A stored account or post with its last confirmed state."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account_id": 12,
                    "platform": "x",
                    "native_id": "1100000012",
                    "handle": "mandi_notes",
                    "post": False,
                    "watched": True,
                    "added_at": "2021-01-20T00:00:00Z",
                    "control": False,
                    "executive": False,
                    "tags": ["press"],
                    "followers": 5400,
                    "followers_at": "2021-01-20T00:00:00Z",
                    "lists": ["Farmers"],
                    "orders": ["SYN/1"],
                    "state": {
                        "status": "withheld",
                        "withheld_in": ["IN"],
                        "words": "withheld in India (IN)",
                        "flags": [],
                        "last_seen_old": "2021-02-01T07:30:00Z",
                        "since": "2021-02-01T08:00:00Z",
                        "source": "x",
                        "change_id": 77,
                    },
                    "provisional": None,
                    "last_read_at": "2021-02-01T11:30:00Z",
                }
            ]
        }
    )

    account_id: int
    """Blockline's number of the account: that of its page, `/account/12`."""
    platform: Platform
    native_id: str
    """The platform's own id, which never changes. The export calls it `account_id`."""
    handle: str
    """The handle as last seen. It may change, so do not use it as a key."""
    post: bool
    """Whether it is a post or a video, and not an account."""
    watched: bool
    """Whether it is read now. If not, it is stored for its history only."""
    added_at: datetime
    control: bool
    """Whether it is a control account."""
    executive: bool
    """Whether its engagements are collected."""
    tags: list[str]
    followers: int | None
    """Null if no number was given."""
    followers_at: datetime | None
    lists: list[str]
    orders: list[str]
    """References of the orders to whose lists it belongs."""
    state: State | None
    """Null if no state is confirmed, which does not mean available."""
    provisional: Provisional | None
    last_read_at: datetime | None
    """Time of the newest conclusive answer; null if none. The state was seen until then; there was no
    reading after it.
    """


class StateAt(ApiModel):
    """An account or post with the state that was confirmed for a time."""

    account_id: int
    platform: Platform
    native_id: str
    handle: str
    """As stored now."""
    post: bool
    """Whether it is a post or a video, and not an account."""
    watched: bool
    """Whether it is read now."""
    state: State | None
    """Null if no state was confirmed by then."""
    last_read_at: datetime | None
    """The newest reading up to the requested time. The state was seen until then; there was none after it."""
    recorded_at: datetime | None
    """When this was recorded."""


def account(row: AccountRow) -> Account:
    provisional = None
    if row.provisional_change_id is not None and row.provisional_status is not None:
        countries = row.provisional_withheld_in or ()
        provisional = Provisional.model_construct(
            change_id=row.provisional_change_id,
            status=Status(row.provisional_status),
            withheld_in=list(countries),
            words=words(row.platform, row.provisional_status, countries, None, post=row.post),
            first_seen_new=row.provisional_since,
            readings=row.provisional_readings,
        )
    return Account.model_validate({**fields_of(row), "state": _state(row), "provisional": provisional})


def state_at(row: StateRow) -> StateAt:
    return StateAt.model_validate({**fields_of(row), "state": _state(row)})


def fields_of(row: object) -> dict[str, object]:
    """What a row of the store holds, by name."""
    return {f.name: getattr(row, f.name) for f in fields(row)}  # pyright: ignore[reportArgumentType]  # a dataclass


def words(
    platform: str,
    status: str | None,
    withheld_in: Collection[str],
    flags: Collection[str] | None,
    *,
    post: bool = False,
    then: bool = False,
) -> str:
    """Return a state in the words of all pages, which differ for a post. `then`: the state of a change at its
    first reading.
    """
    state = None if status is None else Confirmed(Status(status), tuple(withheld_in))
    known_flags = None if flags is None else [Flag(f) for f in flags]
    return state_words(state, Platform(platform), known_flags, then=then, of_post=post)


def _state(row: AccountRow | StateRow) -> State | None:
    if row.status is None or row.since is None or row.source is None or row.change_id is None:
        return None
    state_words = words(row.platform, row.status, row.withheld_in or (), row.flags, post=row.post)
    return State.model_validate({**fields_of(row), "words": state_words})
