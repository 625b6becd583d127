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
    """A confirmed status. It began after `last_seen_old` and not after `since`."""

    status: Status
    withheld_in: list[str]
    """ISO 3166-1 codes, or `XX` for all countries; empty unless the status is `withheld`."""
    words: str
    """The same in English, with what the platform leaves open."""
    flags: list[Flag] | None
    """Side facts of the first reading of the state, and who took the account down, by the newest that tells;
    null: nobody saw how it began.
    """
    last_seen_old: datetime | None
    """The last sign of the state before; null: there is none."""
    since: datetime
    """The first reading of this state."""
    source: str
    """Who saw it: the platform's name for Blockline's own readings, `import:NAME` for another's record."""
    change_id: int
    """The change that began it."""


class Provisional(ApiModel):
    """What newer readings show and too few have confirmed. It is no status yet."""

    change_id: int
    status: Status
    withheld_in: list[str]
    words: str
    first_seen_new: datetime
    readings: int
    """How many agree so far."""


class Account(ApiModel):
    """An account on file, as it was last confirmed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account_id": 12,
                    "platform": "x",
                    "native_id": "1100000012",
                    "handle": "mandi_notes",
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
    """As last seen: an attribute, never a key."""
    watched: bool
    """Whether it is read now. What is not is on file for its history only."""
    added_at: datetime
    control: bool
    """Whether it is asked as a control account."""
    executive: bool
    """Whether its acts are collected."""
    tags: list[str]
    followers: int | None
    """Null: nobody said."""
    followers_at: datetime | None
    lists: list[str]
    orders: list[str]
    """References of the orders to whose lists it belongs."""
    state: State | None
    """Null: nothing is confirmed, which is not the same as available."""
    provisional: Provisional | None
    last_read_at: datetime | None
    """The newest conclusive answer. Up to then the state was seen; after it nobody looked. Null: never."""


class StateAt(ApiModel):
    """An account in the state that was confirmed for a moment."""

    account_id: int
    platform: Platform
    native_id: str
    handle: str
    """As on file now."""
    watched: bool
    """Whether it is read now."""
    state: State | None
    """Null: nothing was confirmed of it by then."""
    last_read_at: datetime | None
    """The newest reading up to the moment: until then the state was seen, after it nobody looked."""
    recorded_at: datetime | None
    """Since when it is told like this."""


def account(row: AccountRow) -> Account:
    provisional = None
    if row.provisional_change_id is not None and row.provisional_status is not None:
        countries = row.provisional_withheld_in or ()
        provisional = Provisional.model_construct(
            change_id=row.provisional_change_id,
            status=Status(row.provisional_status),
            withheld_in=list(countries),
            words=words(row.platform, row.provisional_status, countries, None),
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
    then: bool = False,
) -> str:
    """What a state is called everywhere; `then`: of a change, by its first reading."""
    state = None if status is None else Confirmed(Status(status), tuple(withheld_in))
    told = None if flags is None else [Flag(f) for f in flags]
    return state_words(state, Platform(platform), told, then=then)


def _state(row: AccountRow | StateRow) -> State | None:
    if row.status is None or row.since is None or row.source is None or row.change_id is None:
        return None
    state_words = words(row.platform, row.status, row.withheld_in or (), row.flags)
    return State.model_validate({**fields_of(row), "words": state_words})
