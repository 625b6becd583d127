"""Who is watched: accounts, keyed by what never changes, and the people whose engagement is collected."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

AccountId = NewType("AccountId", int)
"""Blockline's own number of an account. Platforms never see it."""

ListId = NewType("ListId", int)


class Platform(StrEnum):
    X = "x"
    BLUESKY = "bluesky"
    MASTODON = "mastodon"


@dataclass(frozen=True, slots=True)
class Account:
    """One identity on one platform.

    `native_id` is the platform's own stable id (X: the numeric user id as text). `handle` is the
    name as last seen: an attribute, never a key.
    """

    account_id: AccountId
    platform: Platform
    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class WatchPeriod:
    """The account was watched from `since`, up to but not at `until`. None: it still is."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Executive:
    """A person at a platform, whose public engagement is drawn beside the blocks."""

    account: Account
    name: str
    title: str
    cursor: str | None
    """Native id of the newest act seen so far; the next poll asks for what came after it."""
    last_polled_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandleChange:
    """The same account answered under another handle."""

    account_id: AccountId
    old_handle: str
    new_handle: str
    last_seen_old: datetime | None
    first_seen_new: datetime
