"""What a monitor holds in memory of the accounts that it watches, in step with the database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from collectors.core.collector import CollectorAnswer
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.judge import Judged, SideFacts, TrackedAccount
from jobs.planning.daily_cost_guard import CostLimitGuard
from jobs.planning.sweep import retry_after
from storage.changes import load_watched
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import SCOPE_FLAGS, Flag, Status
from storage.model.core.coverage import Batch, BatchOutcome
from storage.model.core.known_state import Closed, Known

_NO_FACTS: SideFacts = frozenset()
"""Shared by the accounts that have none, which are nearly all: each empty set takes 216 bytes."""
_ASK_AGAIN = 3
"""How often an account that an answer left out is asked for again before its next turn in the sweep."""


class RetryQueue:
    """Accounts that are to be asked before their next turn in the sweep: left out of an answer, or called
    for.
    """

    def __init__(self) -> None:
        self._at: dict[AccountId, tuple[datetime, int]] = {}
        """When to ask, and how often it was asked again already."""

    def call_for(self, account_ids: Iterable[AccountId], now: datetime) -> None:
        """Something happened to these accounts: they are due now."""
        for account_id in account_ids:
            self._at[account_id] = (now, 0)

    def forget(self, account_id: AccountId) -> None:
        """It was answered for, or is not to be asked for another reason."""
        self._at.pop(account_id, None)

    def due(self, now: datetime) -> set[AccountId]:
        return {account_id for account_id, (at, _) in self._at.items() if at <= now}

    def times(self) -> Iterable[tuple[AccountId, datetime]]:
        return [(account_id, at) for account_id, (at, _) in self._at.items()]

    def left_out(self, account_id: AccountId, at: datetime, *, others_answered: bool) -> None:
        """An account that one answer left out does not wait for its next slot, which may be a day off.

        When nobody was answered, the whole roster is tried again anyway.
        """
        before = self._at.pop(account_id, None)
        times = 0 if before is None else before[1]
        if (others_answered or before is not None) and times < _ASK_AGAIN:
            self._at[account_id] = (at + retry_after(times), times + 1)


class _Accounts(Mapping[AccountId, Account]):
    """What is watched, seen as accounts only: a copy would take a third of a second at a million."""

    def __init__(self, watched: Mapping[AccountId, TrackedAccount]) -> None:
        self._watched = watched

    def __getitem__(self, account_id: AccountId) -> Account:
        return self._watched[account_id].account

    def __iter__(self) -> Iterator[AccountId]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)


class WatchState:
    """Every watched account of one platform, and which of them are to be read before their next turn."""

    def __init__(self, cohorts: RecentConfirmations, cost_limit: CostLimitGuard | None = None) -> None:
        self.again = RetryQueue()
        self._cohorts = cohorts
        self._cost_limit = cost_limit
        self._watched: dict[AccountId, TrackedAccount] = {}
        self._pending: set[AccountId] = set()

    def __getitem__(self, account_id: AccountId) -> TrackedAccount:
        return self._watched[account_id]

    def of(self, account_ids: Iterable[AccountId]) -> list[TrackedAccount]:
        """In the order of the ids."""
        return [*map(self._watched.__getitem__, account_ids)]

    def get(self, account_id: AccountId) -> TrackedAccount | None:
        return self._watched.get(account_id)

    def some(self, account_ids: Iterable[AccountId] | None) -> Iterable[TrackedAccount]:
        """Those of the named that are watched; None means all."""
        if account_ids is None:
            return self._watched.values()
        return (w for account_id in account_ids if (w := self._watched.get(account_id)) is not None)

    def accounts(self) -> Mapping[AccountId, Account]:
        """All of them; what is added or leaves later is seen in it."""
        return _Accounts(self._watched)

    def take_up(
        self,
        loaded: Sequence[load_watched.WatchedAccount],
        facts: Mapping[AccountId, SideFacts],
        *,
        whole: bool,
    ) -> None:
        """Take over what the database holds. `whole`: whoever is not in it is no longer watched."""
        if whole:
            self.forget(self._watched.keys() - {w.account.account_id for w in loaded})
        for w in loaded:
            account_id = w.account.account_id
            before = self._watched.get(account_id)
            same = before is not None and before.known.last_read_at == w.known.last_read_at
            self._watched[account_id] = TrackedAccount(
                w.account,
                w.lists,
                w.known,
                _handle_seen_at(w.known),
                before.exchanges if before is not None and same else (),
                facts.get(account_id, _NO_FACTS),
                w.held_since,
            )
            self._note_pending(account_id, w.known)

    def forget(self, gone: Iterable[AccountId]) -> None:
        """Hold these accounts no longer, because they are not watched."""
        for account_id in gone:
            if self._watched.pop(account_id, None) is not None:
                self._pending.discard(account_id)
                self.again.forget(account_id)

    def apply(
        self, batch: Batch, watched: Sequence[TrackedAccount], judged: Judged, answer: CollectorAnswer
    ) -> None:
        """Take over what was committed of one request."""
        for w, reading, s in judged.steps:
            if s.is_news:
                if s.confirmed is not None and _is_news(w.known, s.confirmed):
                    self._cohorts.confirmed(w.lists, batch.observed_at)
                self._note_pending(w.account.account_id, s.known)
            w.known = s.known
            w.exchanges = answer.exchanges
            if reading.handle is not None:
                w.handle_seen_at = s.known.last_asked_at
        for rename in judged.renames:
            w = self._watched[rename.account_id]
            w.account = replace(w.account, handle=rename.new_handle)
        for account, next_read_at in judged.postponed:
            w = self._watched[account.account_id]
            if w.known.pending is not None:
                w.known = replace(w.known, pending=replace(w.known.pending, next_read_at=next_read_at))
        for sighting in judged.sightings:
            self._watched[sighting.account_id].facts = sighting.facts
        others_answered = batch.outcome is BatchOutcome.ANSWERED
        for w, answered in zip(watched, judged.answered, strict=True):
            w.held_since = _held_since(w.held_since, batch)
            # Who took it down is asked again as what an answer left out is.
            if (answered and not _is_scope_open(w.facts)) or w.known.pending is not None:
                self.again.forget(w.account.account_id)
            else:
                self.again.left_out(w.account.account_id, batch.observed_at, others_answered=others_answered)

    def due_again(self, now: datetime) -> list[Account]:
        """Provisional changes that are to be read again, and accounts that were called for; of those only
        whom a ceiling pays for today.
        """
        due = {i for i, at in self._next_reads() if at <= now}
        accounts = [self._watched[i].account for i in due | self.again.due(now)]
        return accounts if self._cost_limit is None else list(self._cost_limit.affordable(accounts, now))

    def times(self, now: datetime) -> Iterable[tuple[Account, datetime]]:
        """When each account that does not wait for its turn is to be read."""
        times = [(self._watched[i].account, at) for i, at in (*self._next_reads(), *self.again.times())]
        if self._cost_limit is None:
            return times
        return [(account, self._cost_limit.not_before(account, max(at, now))) for account, at in times]

    def _next_reads(self) -> list[tuple[AccountId, datetime]]:
        return [(i, p.next_read_at) for i in self._pending if (p := self._watched[i].known.pending)]

    def _note_pending(self, account_id: AccountId, known: Known) -> None:
        if known.pending is None:
            self._pending.discard(account_id)
        else:
            self._pending.add(account_id)


def _held_since(before: datetime | None, batch: Batch) -> datetime | None:
    """The first answer that was held since the last request whose answer was believed."""
    if batch.outcome is BatchOutcome.ANSWERED:
        return None
    return before or batch.observed_at if batch.outcome is BatchOutcome.HELD else before


def _is_news(before: Known, confirmed: Closed) -> bool:
    """Whether something is known to have changed: a first state, also of one country, does not say so."""
    return before.state is not None and Flag.FIRST_SEEN not in confirmed.pending.flags


def _is_scope_open(facts: SideFacts) -> bool:
    """Whether nothing is known of who took an account down, because nobody answered."""
    scopes = {kind for kind, _ in facts if kind in SCOPE_FLAGS} if facts else frozenset[str]()
    return scopes == {Flag.SCOPE_UNANSWERED}


def _handle_seen_at(known: Known) -> datetime | None:
    """The last time at which the stored handle is certain: a vanished or suspended account shows none."""
    if known.state is None or known.pending is not None:
        return None
    shows_none = known.state.status.is_gone or known.state.status is Status.SUSPENDED
    return None if shows_none else known.last_asked_at
