"""What one answered request means: is it to be believed, and what did it do to each account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.base import Answer, Exchange
from jobs.cohorts import Cohorts
from jobs.confirm import ConfirmationRule
from jobs.detect import step
from storage.model.accounts import Account, ListId, Rename
from storage.model.availability import MissedReason, Reading, Status
from storage.model.coverage import BatchOutcome
from storage.model.steps import Known, Step

_POSTPONE = timedelta(minutes=1)


@dataclass(slots=True)
class Watched:
    """One account as the monitor holds it in memory: replaced piece by piece after each commit."""

    account: Account
    lists: frozenset[ListId]
    known: Known
    handle_seen_at: datetime | None
    exchanges: tuple[Exchange, ...] = ()
    """The raw answers of the last reading: the evidence of the old side, should the next one differ."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A control account and the status it is known to have."""

    account: Account
    expected: Status


@dataclass(frozen=True, slots=True)
class Judged:
    outcome: BatchOutcome
    reason: MissedReason | None
    """Why the request as a whole is not believed."""
    answered: tuple[bool, ...]
    missed: dict[str, list[int]]
    """Positions of accounts that gave nothing in an answer that is believed, by reason."""
    steps: tuple[tuple[Watched, Reading, Step], ...]
    renames: tuple[Rename, ...]
    postponed: tuple[tuple[Account, datetime], ...]
    """Provisional changes that were to be read again and were not, and when to try next."""
    detail: str = ""
    """Of an answer that was held: which control account looked wrong, for the operator."""


def judge(
    answer: Answer,
    watched: Sequence[Watched],
    canaries: Sequence[Canary],
    rule: ConfirmationRule,
    cohorts: Cohorts,
    asked_at: datetime,
    at: datetime,
) -> Judged:
    """Decide about one request that was asked at `asked_at` and answered at `at`.

    When the request failed, or when one of its control accounts does not look as it is known to
    look, nothing in it is believed: every account is missed.
    """
    by_id = {r.native_id: r for r in answer.readings}
    nobody = (False,) * len(watched)
    if answer.trouble is not None:
        reason = answer.trouble.reason
        return Judged(BatchOutcome.MISSED, reason, nobody, {}, (), (), _postponed(watched, at))
    wrong = [said for c in canaries if (said := _wrong(c, by_id.get(c.account.native_id)))]
    if wrong:
        held = BatchOutcome.HELD, MissedReason.HELD
        return Judged(*held, nobody, {}, (), (), _postponed(watched, at), "; ".join(wrong))

    readings = [(w, by_id.get(w.account.native_id)) for w in watched]
    steps = tuple(
        (w, r, step(w.known, r, asked_at, rule, cohort_active=cohorts.is_active(w.lists, at)))
        for w, r in readings
        if r is not None
    )
    return Judged(
        BatchOutcome.ANSWERED,
        None,
        tuple(r is not None for _, r in readings),
        _reasons(answer, watched),
        steps,
        tuple(rename for w, r, _ in steps if (rename := _rename(w, r)) is not None),
        _postponed([w for w, r in readings if r is None], at),
    )


def _reasons(answer: Answer, watched: Sequence[Watched]) -> dict[str, list[int]]:
    why = {m.native_id: m.reason.value for m in answer.missed}
    reasons: dict[str, list[int]] = {}
    for position, w in enumerate(watched):
        if (reason := why.get(w.account.native_id)) is not None:
            reasons.setdefault(reason, []).append(position)
    return reasons


def _wrong(canary: Canary, reading: Reading | None) -> str | None:
    """What is wrong about a control account in an answer; None when it looks as it is known to look."""
    if reading is not None and reading.state.status is canary.expected:
        return None
    seen = "is not in the answer" if reading is None else f"looks {reading.state.status.value}"
    return (
        f"control account @{canary.account.handle} {seen} and should be {canary.expected.value} "
        "(setting x_canaries)"
    )


def _postponed(watched: Sequence[Watched], at: datetime) -> tuple[tuple[Account, datetime], ...]:
    return tuple(
        (w.account, at + _POSTPONE)
        for w in watched
        if w.known.pending is not None and w.known.pending.next_read_at <= at
    )


def _rename(watched: Watched, reading: Reading) -> Rename | None:
    """A rename is the same id under another handle. A change of capitals alone is none."""
    if reading.handle is None or reading.handle.casefold() == watched.account.handle.casefold():
        return None
    return Rename(
        watched.account.account_id,
        watched.account.handle,
        reading.handle,
        watched.handle_seen_at,
        reading.at,
    )
