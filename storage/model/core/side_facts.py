"""Side facts: what was seen of an account beside its status. They never decide a status."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.core.accounts import AccountId
from storage.model.core.availability import Flag


class ObservedKind(StrEnum):
    """What somebody other than the account's own platform says of it. `Flag` names the platform's own."""

    BLOCKED_BY_SERVER = "blocked_by_server"
    """Mastodon: another server silences or suspends the account or its whole server; the value says which."""
    SEEN_AS = "seen_as"
    """From another vantage the account looked otherwise; the value is the status and its countries."""
    COMPLIANCE = "compliance"
    """X: the reason that a compliance job gives for a vanished account (deactivated, deleted, …)."""


@dataclass(frozen=True, slots=True)
class SideFact:
    """`kind` is a `Flag` (observer empty: the platform itself) or an `ObservedKind`.

    It began in (`last_absent`, `first_seen`] and, when it is over, ended in (`last_seen`, `first_absent`].
    """

    account_id: AccountId
    observer: str
    kind: Flag | ObservedKind
    value: str
    last_absent: datetime | None
    first_seen: datetime
    last_seen: datetime | None
    first_absent: datetime | None


@dataclass(frozen=True, slots=True)
class FactSighting:
    """What one look of one observer found of one account: the facts there are, all others are absent.

    `before` is when the same observer was last asked about the account and answered, None if never.
    """

    account_id: AccountId
    facts: frozenset[tuple[Flag | ObservedKind, str]]
    before: datetime | None
    at: datetime
