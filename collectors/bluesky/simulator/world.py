"""Pure: Bluesky as it stands at a moment of a history: who is visible how, under which labels and handle.

Answers are put together from JSON fragments that are built once per state of an account, because a
rehearsal asks for millions of accounts.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final
from zlib import crc32

from collectors.bluesky.declaration import BLUESKY, DECLARATION
from collectors.bluesky.simulator.payloads import COLLECTIONS, INVALID_HANDLE, dumps, label, profile
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import APP_VIEW_ONLY, History, HistoryAccount, settled
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
    did: str
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
    """The accounts on Bluesky, by DID. An actor that the history does not know is always available."""
    known = {a.native_id: a for a in history.accounts if a.platform is BLUESKY}
    for actor in dict.fromkeys(act.actor_id for act in acts):
        if actor not in known:
            handle = f"{actor.rpartition(':')[2]}.test"
            known[actor] = settled(BLUESKY, actor, [(now, State(Status.AVAILABLE), handle)])
    return known


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
        """`regions` is the DID of the labeler of each country."""
        self.main_labeler = main_labeler
        self.regional = frozenset(regions.values())
        self._accounts = accounts
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
            for did in changed:
                fragments.pop(did, None)
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

    def look_up(self, dids: Sequence[str], heard: HeardLabelers) -> list[bytes | None]:
        """The profile of each DID, in order; None where the app view shows none."""
        made = self._fragments.setdefault(heard, {})
        found: list[bytes | None] = []
        for did in dids:
            if did not in made:
                made[did] = self._profile(did, heard)
            found.append(made[did])
        return found

    def label_rows(self) -> list[LabelRow]:
        """What labelers had done by now: of each label its newest row, in order."""
        if self._rows is None:
            self._rows = self._every_row()
        done = (row for row in self._rows if row.initial or row.at <= self.now)
        newest = {(row.src, row.did, row.val): row for row in done}
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
        if account is None or self.standing(did) is not HostingStatus.ACTIVE:
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
            labels.append(label(src, did, val, account.times[since]))
        return dumps(profile(did, account.handle_at(self.now), labels))

    def _labels(self, account: HistoryAccount, index: int) -> list[tuple[str, str]]:
        """The labels, as (labeler, value), of an account in its state number `index`.

        Which value the regional labelers use is unknown: half of the accounts get the one, half the other.
        """
        if account.details and account.details[index] == APP_VIEW_ONLY:
            return [(self.main_labeler, TAKEDOWN)]
        val = TAKEDOWN if crc32(account.native_id.encode()) % 2 else HIDE
        countries = observable(account.states[index], self._regions).withheld_in
        return [(self._regions[country], val) for country in countries]

    def _every_row(self) -> list[LabelRow]:
        done: list[tuple[datetime, str, str, str, bool, bool]] = []
        for did, account in self._accounts.items():
            before: list[tuple[str, str]] = []
            for index, at in enumerate(account.times):
                now = self._labels(account, index)
                ended = ((src, val, True) for src, val in before if (src, val) not in now)
                begun = ((src, val, False) for src, val in now if (src, val) not in before)
                done += [(at, src, did, val, neg, not index) for src, val, neg in (*ended, *begun)]
                before = now
        return [LabelRow(number, *row) for number, row in enumerate(sorted(done), start=1)]
