"""Who is watched: accounts, keyed by what never changes, and the people whose engagement is collected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import NewType

AccountId = NewType("AccountId", int)
"""Blockline's own number of an account. Platforms never see it."""

ListId = NewType("ListId", int)


PLATFORM_ENTRIES: Mapping[str, EntryPoint] = {
    entry.name: entry for entry in sorted(entry_points(group="blockline.platforms"), key=lambda e: e.name)
}
"""The entry points of installed platforms, by the platform's key. Each names the package of the platform."""


class Platform(StrEnum):
    """An installed platform, by the key that stands in the database, in settings and in addresses.

    `storage.model.platforms` holds what each of them declares about itself.
    """

    # The members are the entry points, so that no platform is named here.
    vars().update({key.upper(): key for key in PLATFORM_ENTRIES})


class TargetKind(StrEnum):
    """What a legal demand can be about. Which of them an id means, its platform declares (`is_post`)."""

    ACCOUNTS = "accounts"
    POSTS = "posts"


@dataclass(frozen=True, slots=True)
class Account:
    """One identity on one platform.

    `native_id` is the platform's own stable id. `handle` is the name as last seen: an attribute, never a key.
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
class DatedMembership:
    """An account was on a list from `added_at`, up to but not at `removed_at`. None: it still is."""

    list_id: ListId
    added_at: datetime
    removed_at: datetime | None


def lists_at(memberships: Iterable[DatedMembership], at: datetime) -> list[ListId]:
    """The lists that an account was on at a time."""
    return [
        m.list_id for m in memberships if m.added_at <= at and (m.removed_at is None or at < m.removed_at)
    ]


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
