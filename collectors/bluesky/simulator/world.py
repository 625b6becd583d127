"""Pure: Bluesky as it stands at a moment of a history: who is visible how, under which labels and handle.

Answers are put together from JSON fragments that are built once per state of an account, because a
rehearsal asks for millions of accounts.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from zlib import crc32

from collectors.bluesky.declaration import BLUESKY, DECLARATION, post_of
from collectors.bluesky.simulator.payloads import (
    COLLECTIONS,
    INVALID_HANDLE,
    basic_profile,
    dumps,
    label,
    post_view,
    profile,
)
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import APP_VIEW_ONLY, WITH_AUTHOR, History, HistoryAccount, settled
from collectors.simulator.history_clock import HistoryClock
from storage.model.core.availability import EVERYWHERE, State, Status
from storage.model.core.signals import SignalKind

HIDE: Final = "!hide"
TAKEDOWN: Final = "!takedown"


class HostingStatus(Enum):
    """How an account stands with the server that holds it."""

    ACTIVE = "active"
    """Also when it is withheld somewhere or taken down in the app only: its own server still serves it."""
    TAKEN_DOWN = "takendown"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"
    """Its DID stays in the directory (measured)."""
    UNREGISTERED = "unregistered"
    """No such DID."""


_STANDINGS: Final = {
    Status.SUSPENDED: HostingStatus.TAKEN_DOWN,
    Status.DEACTIVATED: HostingStatus.DEACTIVATED,
    Status.NOT_FOUND: HostingStatus.DELETED,
}


class RecordHolding(Enum):
    """How the server that holds an account treats a record of it."""

    SERVED = "served"
    HIDDEN = "hidden"
    """Taken down there: it stays in the repository."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class HeardLabelers:
    """The labelers that have a say in an answer, each with whether its takedowns remove accounts from it."""

    labelers: tuple[tuple[str, bool], ...]

    @property
    def header(self) -> str:
        """As the header `atproto-content-labelers` states it."""
        return ",".join(f"{did};redact" if redacts else did for did, redacts in self.labelers)


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One thing that a labeler did; `number` is its place in the order of all.

    `initial` rows stand at the start of the record of an account, which also serves every earlier time.
    """

    number: int
    at: datetime
    src: str
    uri: str
    val: str
    negated: bool
    initial: bool


def hosting_status(state: State, detail: str) -> HostingStatus:
    """What the server that holds an account says of it in `state`."""
    if detail == APP_VIEW_ONLY:
        return HostingStatus.ACTIVE
    return _STANDINGS.get(state.status, HostingStatus.ACTIVE)


def observable(state: State, regions: Collection[str]) -> State:
    """What an outsider who hears the labelers of `regions` can see of the true `state`.

    A country without a labeler cannot be seen; "everywhere" is seen as all countries that have one.
    """
    seen = state if state.status in DECLARATION.statuses else State(Status.AVAILABLE)
    if seen.status is not Status.WITHHELD:
        return seen
    everywhere = EVERYWHERE in seen.withheld_in
    countries = tuple(sorted(c for c in regions if everywhere or c in seen.withheld_in))
    return State(Status.WITHHELD, countries) if countries else State(Status.AVAILABLE)


def accounts_of(history: History, acts: Sequence[SimulatedAct], now: datetime) -> dict[str, HistoryAccount]:
    """The accounts and posts on Bluesky, by native id.

    An actor that the history does not name is always available. An author whom only posts name is available,
    except while a post has the status of its author's account.
    """
    known = {a.native_id: a for a in history.accounts if a.platform is BLUESKY}
    for actor in dict.fromkeys(act.actor_id for act in acts):
        if actor not in known:
            handle = f"{actor.rpartition(':')[2]}.test"
            known[actor] = settled(BLUESKY, actor, [(now, State(Status.AVAILABLE), handle)])
    for did, posts in _by_author(known.values()).items():
        if did not in known:
            known[did] = _author(did, posts)
    return known


def _by_author(accounts: Iterable[HistoryAccount]) -> dict[str, list[HistoryAccount]]:
    found: dict[str, list[HistoryAccount]] = defaultdict(list)
    for account in accounts:
        post = post_of(account.native_id)
        if post is not None:
            found[post[0]].append(account)
    return dict(found)


def _author(did: str, posts: Sequence[HistoryAccount]) -> HistoryAccount:
    """The account of an author whom the history names only by posts."""
    seen: list[tuple[datetime, State, str]] = []
    for at in sorted({at for post in posts for at in (*post.times, *post.handle_times)}):
        shared = [post.at(at) for post in posts if _is_with_author(post.at(at), post.detail_at(at))]
        name = posts[0].handle_at(at).partition("/")[0]
        handle = f"{name.rpartition(':')[2]}.test" if name.startswith("did:") else name
        seen.append((at, shared[0] if shared else State(Status.AVAILABLE), handle))
    return settled(BLUESKY, did, seen)


def _is_with_author(state: State, detail: str) -> bool:
    """Whether a post has its status from its author's account: only accounts can be deactivated."""
    return detail == WITH_AUTHOR or state.status is Status.DEACTIVATED


class BlueskyWorld:
    """The state of Bluesky at `now`, moved by `move_to` in either direction."""

    def __init__(
        self,
        accounts: Mapping[str, HistoryAccount],
        acts: Sequence[SimulatedAct],
        now: datetime,
        regions: Mapping[str, str],
        main_labeler: str,
    ) -> None:
        """`accounts` are those of `accounts_of`, `regions` is the DID of the labeler of each country."""
        self.main_labeler = main_labeler
        self.regional = frozenset(regions.values())
        self._all = accounts
        self._posts_of = _by_author(accounts.values())
        self._accounts = {did: a for did, a in accounts.items() if post_of(did) is None}
        self._regions = regions
        self._clock = HistoryClock(accounts.values(), now)
        self._acts: dict[str, list[SimulatedAct]] = defaultdict(list)
        for act in sorted(acts, key=lambda act: act.at):
            self._acts[act.actor_id].append(act)
        self._fragments: dict[HeardLabelers, dict[str, bytes | None]] = {}
        self._handles: dict[str, str] | None = None
        self._rows: list[LabelRow] | None = None

    @property
    def now(self) -> datetime:
        return self._clock.now

    def move_to(self, now: datetime) -> None:
        """Set the time; fragments of accounts that changed in between are dropped."""
        changed = self._clock.move_to(now)
        for fragments in self._fragments.values():
            for native_id in changed:
                for one in (native_id, *(post.native_id for post in self._posts_of.get(native_id, ()))):
                    fragments.pop(one, None)
        if changed:
            self._handles = None

    def __contains__(self, did: str) -> bool:
        return did in self._accounts

    def standing(self, did: str) -> HostingStatus:
        """How the account stands with the server that holds it."""
        account = self._accounts.get(did)
        if account is None:
            return HostingStatus.UNREGISTERED
        return hosting_status(account.at(self.now), account.detail_at(self.now))

    def holding(self, uri: str) -> RecordHolding:
        """How its author's server treats a post, while that server serves the author."""
        post = self._all.get(uri)
        if post is None:
            return RecordHolding.ABSENT
        state, detail = post.at(self.now), post.detail_at(self.now)
        if _is_with_author(state, detail) or detail == APP_VIEW_ONLY:
            return RecordHolding.SERVED
        gone = {Status.NOT_FOUND: RecordHolding.ABSENT, Status.SUSPENDED: RecordHolding.HIDDEN}
        return gone.get(state.status, RecordHolding.SERVED)

    def did_of(self, actor: str) -> str | None:
        """The DID of a DID or of a handle: that of the account that has the handle now and is not deleted."""
        if actor.startswith("did:"):
            return actor
        if self._handles is None:
            self._handles = {
                a.handle_at(self.now).lower(): did
                for did, a in self._accounts.items()
                if self.standing(did) is not HostingStatus.DELETED
            }
        return None if actor == INVALID_HANDLE else self._handles.get(actor.lower())

    def handles(self, did: str) -> list[tuple[datetime, str]]:
        """The handles registered for the account by now, with the times they hold from, oldest first."""
        account = self._accounts[did]
        known = [
            (at, handle)
            for at, handle in zip(account.handle_times, account.handles, strict=True)
            if at <= self.now and handle != INVALID_HANDLE
        ]
        return known or [(account.handle_times[0], account.handles[0])]

    def look_up(self, native_ids: Sequence[str], heard: HeardLabelers) -> list[bytes | None]:
        """The profile of each DID and each post, in order; None where the app view shows none."""
        made = self._fragments.setdefault(heard, {})
        found: list[bytes | None] = []
        for native_id in native_ids:
            if native_id not in made:
                made[native_id] = self._shown(native_id, heard)
            found.append(made[native_id])
        return found

    def label_rows(self) -> list[LabelRow]:
        """What labelers had done by now: of each label its newest row, in order."""
        if self._rows is None:
            self._rows = self._every_row()
        done = (row for row in self._rows if row.initial or row.at <= self.now)
        newest = {(row.src, row.uri, row.val): row for row in done}
        return sorted(newest.values(), key=lambda row: row.number)

    def records(self, did: str, collection: str) -> list[SimulatedAct]:
        """The acts whose records the account holds now in a collection, newest first by record key.

        A follow that was undone is gone.
        """
        kept: dict[str, SimulatedAct] = {}
        for act in self._acts.get(did, ()):
            if act.at > self.now:
                break
            if act.kind is SignalKind.UNFOLLOW and collection == COLLECTIONS[SignalKind.FOLLOW]:
                kept = {key: old for key, old in kept.items() if old.target_id != act.target_id}
            elif COLLECTIONS.get(act.kind) == collection:
                kept[act.post_id] = act
        return [kept[key] for key in sorted(kept, reverse=True)]

    def _profile(self, did: str, heard: HeardLabelers) -> bytes | None:
        account = self._accounts.get(did)
        labels = None if account is None else self._shown_labels(account, heard)
        if account is None or labels is None or self.standing(did) is not HostingStatus.ACTIVE:
            return None
        return dumps(profile(did, account.handle_at(self.now), labels))

    def _shown(self, native_id: str, heard: HeardLabelers) -> bytes | None:
        post = post_of(native_id)
        return self._profile(native_id, heard) if post is None else self._post(native_id, post[0], heard)

    def _post(self, uri: str, did: str, heard: HeardLabelers) -> bytes | None:
        author = self._accounts.get(did)
        if author is None or self.standing(did) is not HostingStatus.ACTIVE:
            return None
        labels, of_author = self._shown_labels(self._all.get(uri), heard), self._shown_labels(author, heard)
        if labels is None or of_author is None or self.holding(uri) is not RecordHolding.SERVED:
            return None
        return dumps(post_view(uri, basic_profile(did, author.handle_at(self.now), of_author), labels))

    def _shown_labels(
        self, account: HistoryAccount | None, heard: HeardLabelers
    ) -> list[dict[str, object]] | None:
        """The labels that are shown with an account or a post now; None where one removes it."""
        if account is None:
            return None
        redacts = dict(heard.labelers)
        current = max(bisect_right(account.times, self.now) - 1, 0)
        labels: list[dict[str, object]] = []
        for src, val in self._labels(account, current):
            if src not in redacts:
                continue
            if redacts[src] and val == TAKEDOWN:
                return None
            since = current
            while since and (src, val) in self._labels(account, since - 1):
                since -= 1
            labels.append(label(src, account.native_id, val, account.times[since]))
        return labels

    def _labels(self, account: HistoryAccount, index: int) -> list[tuple[str, str]]:
        """The labels, as (labeler, value), of an account in its state number `index`.

        Which value the regional labelers use is unknown: half of the accounts get the one, half the other.
        """
        detail = account.details[index] if account.details else ""
        if detail == APP_VIEW_ONLY:
            return [(self.main_labeler, TAKEDOWN)]
        if detail == WITH_AUTHOR:
            return []
        val = TAKEDOWN if crc32(account.native_id.encode()) % 2 else HIDE
        countries = observable(account.states[index], self._regions).withheld_in
        return [(self._regions[country], val) for country in countries]

    def _every_row(self) -> list[LabelRow]:
        done: list[tuple[datetime, str, str, str, bool, bool]] = []
        for native_id, account in self._all.items():
            before: list[tuple[str, str]] = []
            for index, at in enumerate(account.times):
                now = self._labels(account, index)
                ended = ((src, val, True) for src, val in before if (src, val) not in now)
                begun = ((src, val, False) for src, val in now if (src, val) not in before)
                done += [(at, src, native_id, val, neg, not index) for src, val, neg in (*ended, *begun)]
                before = now
        return [LabelRow(number, *row) for number, row in enumerate(sorted(done), start=1)]
