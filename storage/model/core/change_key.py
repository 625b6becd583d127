"""The identity of a change, so that a repeat of the same fact stores nothing twice."""

import hashlib
from datetime import UTC, datetime

from storage.model.core.accounts import Platform
from storage.model.core.availability import State


def change_key(platform: Platform, native_id: str, state: State, first_seen_new: datetime) -> str:
    """The key of "this account was first seen in this state at this time": 64 hex digits.

    The same fact gives the same key on every machine, in every time zone and however often it
    arrives; `first_seen_new` must carry its zone.
    """
    if first_seen_new.tzinfo is None:
        raise ValueError(f"a change needs a time with its zone, not {first_seen_new.isoformat()}")
    countries = " ".join(state.withheld_in)
    at = first_seen_new.astimezone(UTC).isoformat()
    fact = ":".join((platform.value, native_id, state.status.value, countries, at))
    return hashlib.sha256(fact.encode()).hexdigest()
