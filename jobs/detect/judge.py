"""What one answered request means: is it to be believed, and what did it do to each account."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.core.collector import CollectorAnswer, Exchange
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.transitions import as_answered, completed, says_nothing_new, step
from storage.model.core.accounts import Account, HandleChange, ListId
from storage.model.core.availability import (
    BY_COUNTRY,
    SCOPE_FLAGS,
    Flag,
    MissedReason,
    Reading,
    State,
    Status,
)
from storage.model.core.coverage import BatchOutcome
from storage.model.core.known_state import Known, ReadingEffect
from storage.model.core.side_facts import FactSighting, ObservedKind

_POSTPONE = timedelta(minutes=1)
_LONGEST_POSTPONE = timedelta(minutes=15)

SideFacts = frozenset[tuple[Flag | ObservedKind, str]]

NO_ANSWER = {
    MissedReason.NETWORK,
    MissedReason.UPSTREAM,
    MissedReason.RATE_LIMITED,
    MissedReason.UNHEARD,
}

_NONE: frozenset[str] = frozenset()
_SCOPES_OF = {
    Status.SUSPENDED: SCOPE_FLAGS - {Flag.DELETED, Flag.SCOPE_UNANSWERED},
    Status.NOT_FOUND: frozenset({Flag.DELETED}),
}
"""What says of a status who closed the account, and still holds when a later answer does not say it."""
_VANISHED_AT_LEAST = 3
_VANISHED_SHARE = 0.2
NO_OUTAGE_AFTER = timedelta(days=1)
"""In an answer without control accounts, so many accounts that vanish at once, or all there are, are taken
for an outage. It is held, logged and shown. No outage lasts longer than a day: once answers about one of them
were held for so long, an answer is believed, and four readings have to agree even then.
"""


@dataclass(slots=True)
class TrackedAccount:
    """One account as the monitor holds it in memory: replaced piece by piece after each commit."""

    account: Account
    lists: frozenset[ListId]
    known: Known
    handle_seen_at: datetime | None
    exchanges: tuple[Exchange, ...] = ()
    """The raw answers of the last reading: the evidence of the old side, should the next one differ."""
    facts: SideFacts = frozenset()
    held_since: datetime | None = None
    """The first answer about it that was held since the last request for it whose answer was believed."""


@dataclass(frozen=True, slots=True)
class CanaryExpectation:
    """A control account and the status it is known to have.

    A `doubted` one looked otherwise while the others looked right: it may really have changed, so it
    is not relied on as long as another stable one is in the same answer.
    """

    account: Account
    expected: Status
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    outcome: BatchOutcome
    reason: MissedReason | None
    """Why the request as a whole is not believed."""
    answered: tuple[bool, ...]
    missed: dict[str, list[int]]
    """Positions of accounts that gave nothing in an answer that is believed, by reason."""
    steps: tuple[tuple[TrackedAccount, Reading, ReadingEffect], ...] = ()
    renames: tuple[HandleChange, ...] = ()
    postponed: tuple[tuple[Account, datetime], ...] = ()
    """Provisional changes that were to be read again and were not, and when to try next."""
    sightings: tuple[FactSighting, ...] = ()
    """Side facts of accounts where they differ from what was seen before."""
    silent: tuple[str, ...] = ()
    """Countries of which the answer said nothing."""
    vouched: bool | None = None
    """Of an answer that was held: whether the watched accounts in it look as before, so that a wrong control
    account is wrong alone. None: too few of them to tell.
    """
    detail: str = ""
    """Of an answer that was held: which control account looked wrong, for the operator."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges each answer of one platform: whether it is believed, and what it means for each account."""

    rule: ConfirmationRule
    confirmations: RecentConfirmations

    def __call__(
        self,
        answer: CollectorAnswer,
        watched: Sequence[TrackedAccount],
        canaries: Sequence[CanaryExpectation],
        asked_at: datetime,
        at: datetime,
        *,
        unsure: bool = False,
        countries: frozenset[str] | None = None,
        unspoken: frozenset[str] = _NONE,
    ) -> Judged:
        """Decide about one request that was asked at `asked_at` and answered at `at`.

        `unsure`: some control account of this place looked wrong when they were last asked alone.
        `countries`: those that the collector can speak of now (None: all); about any other that is held of
        an account, no answer says anything.
        `unspoken`: countries that no answer could speak of at that time, whoever asked.

        When the request failed, or when one of its control accounts does not look as it is known to
        look, nothing in it is believed: every account is missed.
        """
        nobody = (False,) * len(watched)
        if answer.trouble is not None:
            reason = answer.trouble.reason
            return Judged(BatchOutcome.MISSED, reason, nobody, {}, postponed=_postponed(watched, at))
        looks = {r.native_id: r for r in answer.readings}
        wrong = failed_canaries(canaries, answer)
        if wrong:
            return Judged(
                BatchOutcome.HELD,
                MissedReason.HELD,
                nobody,
                {},
                postponed=_postponed(watched, at),
                vouched=_vouched(watched, looks),
                detail="; ".join(said for _, said in wrong),
            )
        if (unsure or not canaries) and (vanished := _vanished(watched, looks, at)) is not None:
            held = BatchOutcome.HELD, MissedReason.HELD
            return Judged(
                *held, nobody, {}, postponed=_postponed(watched, at), vouched=False, detail=vanished
            )
        unheard = _unheard_by(answer, countries)
        silent = frozenset(silent_in(answer)) | unheard
        told = [(w, _told(w, looks.get(w.account.native_id), countries, unspoken | silent)) for w in watched]
        steps = tuple(_steps(told, self.rule, self.confirmations, asked_at))
        return Judged(
            BatchOutcome.ANSWERED,
            None,
            tuple(r is not None for _, r in told),
            _reasons(answer, told),
            steps,
            tuple(rename for w, r, _ in steps if (rename := _rename(w, r)) is not None),
            _postponed([w for w, r in told if r is None], at),
            tuple(
                seen for w, r, _ in steps if (r.flags or w.facts) and (seen := _sighting(w, r)) is not None
            ),
            tuple(sorted(silent)),
        )


def of_roster(judged: Judged, positions: Sequence[int], size: int) -> Judged:
    """The same by the positions of a roster of `size` accounts, of which those at `positions` were judged."""
    answered = [False] * size
    for position, has_answered in zip(positions, judged.answered, strict=True):
        answered[position] = has_answered
    missed = {reason: [positions[n] for n in places] for reason, places in judged.missed.items()}
    return replace(judged, answered=tuple(answered), missed=missed)


def _unheard_by(answer: CollectorAnswer, countries: frozenset[str] | None) -> frozenset[str]:
    """The countries of which whoever asked, by other settings than ours, could not hear."""
    if countries is None or answer.countries is None:
        return _NONE
    return countries - answer.countries


def _steps(
    told: Sequence[tuple[TrackedAccount, Reading | None]],
    rule: ConfirmationRule,
    cohorts: RecentConfirmations,
    asked_at: datetime,
) -> Iterator[tuple[TrackedAccount, Reading, ReadingEffect]]:
    """What each reading did. Nearly all say what is known, and those that say the same share one step."""
    shared: dict[State, ReadingEffect] = {}
    for w, r in told:
        if r is None:
            continue
        if says_nothing_new(w.known, r):
            done = shared.get(r.state)
            if done is None:
                done = shared[r.state] = step(w.known, r, asked_at, rule, cohort_active=False)
        else:
            # What happened to others can matter only for a state that is not known yet.
            active = r.state != w.known.state and cohorts.is_active(w.lists, r.at)
            done = step(w.known, r, asked_at, rule, cohort_active=active)
        yield w, r, done


def silent_in(answer: CollectorAnswer) -> tuple[str, ...]:
    """The countries of which an answer says nothing, as coverage has it: one reading's are those of all."""
    return tuple(sorted({country for r in answer.readings for country in r.silent_on}))


def failed_canaries(
    canaries: Sequence[CanaryExpectation], answer: CollectorAnswer
) -> list[tuple[CanaryExpectation, str]]:
    """The control accounts that do not look as they should, each with a sentence about it.

    As long as a stable one that is not doubted looks right, two kinds do not count: doubted ones, and
    those about which a further question got no answer (a platform may need several for one account).
    """
    looks = {r.native_id: r for r in answer.readings}
    unheard = {m.native_id for m in answer.missed if m.reason in NO_ANSWER}
    said = [(c, _wrong(c, looks.get(c.account.native_id))) for c in canaries]
    relied_on = any(wrong is None and not c.doubted and not c.expected.is_blocked for c, wrong in said)
    return [
        (c, wrong)
        for c, wrong in said
        if wrong is not None and not (relied_on and (c.doubted or c.account.native_id in unheard))
    ]


def _vanished(watched: Sequence[TrackedAccount], looks: Mapping[str, Reading], at: datetime) -> str | None:
    """Why an answer that no control account vouches for is not believed; None when nothing is odd."""
    seen = [w for w in watched if w.known.pending is None and _was_there(w.known)]
    gone = [w for w in seen if (r := looks.get(w.account.native_id)) is not None and r.state.status.is_gone]
    if not gone or len(gone) < max(min(_VANISHED_AT_LEAST, len(seen)), _VANISHED_SHARE * len(seen)):
        return None
    if any(w.held_since is not None and at - w.held_since >= NO_OUTAGE_AFTER for w in gone):
        return None
    return f"{len(gone)} of {len(seen)} accounts vanished at once, and no control account vouches for it"


def _vouched(watched: Sequence[TrackedAccount], looks: Mapping[str, Reading]) -> bool | None:
    """Whether nearly all accounts that were there look as before; None when they are too few to tell."""
    seen = [w for w in watched if w.known.pending is None and _was_there(w.known)]
    same = sum((r := looks.get(w.account.native_id)) is not None and r.state == w.known.state for w in seen)
    if len(seen) < _VANISHED_AT_LEAST:
        return True if seen and same == len(seen) else None
    return same > (1 - _VANISHED_SHARE) * len(seen)


def _was_there(known: Known) -> bool:
    return known.state is not None and not known.state.status.is_gone


def facts_of(before: SideFacts, reading: Reading) -> SideFacts:
    """The side facts after a reading. What a closed account does not show is taken to be as it was; but who
    took it down is taken over only for the same status, and as long as no answer says otherwise.
    """
    shown: SideFacts = frozenset((flag, _value(flag, reading)) for flag in reading.flags)
    if not (reading.state.status.is_gone or reading.state.status is Status.SUSPENDED):
        return shown
    says_who = any(flag in SCOPE_FLAGS and flag is not Flag.SCOPE_UNANSWERED for flag, _ in shown)
    same: frozenset[Flag] = frozenset() if says_who else _SCOPES_OF.get(reading.state.status, frozenset())
    return shown | {fact for fact in before if fact[0] not in SCOPE_FLAGS or fact[0] in same}


def _value(flag: Flag, reading: Reading) -> str:
    return reading.moved_to or "" if flag in {Flag.MOVED, Flag.MOVED_UNPROVEN} else ""


def _told(
    watched: TrackedAccount,
    reading: Reading | None,
    countries: frozenset[str] | None,
    unspoken: frozenset[str],
) -> Reading | None:
    """What a reading says of this account, seen against what is known of it.

    Of `unspoken` countries, and of any that is not among `countries`, it says nothing; of none when it shows
    no account.
    """
    if reading is None:
        return None
    if reading.flags and Flag.DELETED in reading.flags and watched.known.state is None:
        # It was never seen alive, so nobody can say that it was deleted.
        reading = replace(reading, flags=reading.flags - {Flag.DELETED})
    if countries is not None:
        named = held_in(watched.known) | frozenset(reading.state.withheld_in)
        unspoken |= named - countries if reading.state.status in BY_COUNTRY else named | countries
    if unspoken:
        reading = as_answered(replace(reading, silent_on=reading.silent_on | unspoken))
    return completed(watched.known, reading) if reading.silent_on else reading


def held_in(known: Known) -> frozenset[str]:
    """The countries in which the account is held to be withheld, provisionally or not."""
    states = (known.state, known.pending.state if known.pending is not None else None)
    return frozenset(country for s in states if s is not None for country in s.withheld_in)


def _sighting(watched: TrackedAccount, reading: Reading) -> FactSighting | None:
    facts = facts_of(watched.facts, reading)
    if facts == watched.facts:
        return None
    return FactSighting(watched.account.account_id, facts, watched.known.last_asked_at, reading.at)


def _reasons(
    answer: CollectorAnswer, told: Sequence[tuple[TrackedAccount, Reading | None]]
) -> dict[str, list[int]]:
    why = {m.native_id: m.reason.value for m in answer.missed}
    reasons: dict[str, list[int]] = {}
    for position, (w, r) in enumerate(told):
        if r is None:
            reason = why.get(w.account.native_id, MissedReason.UNHEARD.value)
            reasons.setdefault(reason, []).append(position)
    return reasons


def _wrong(canary: CanaryExpectation, reading: Reading | None) -> str | None:
    """What is wrong about a control account in an answer; None when it looks as it is known to look."""
    if reading is not None and reading.state.status is canary.expected:
        return None
    seen = "is not in the answer" if reading is None else f"looks {reading.state.status.value}"
    return f"control account @{canary.account.handle} {seen} and should be {canary.expected.value}"


def _postponed(watched: Sequence[TrackedAccount], at: datetime) -> tuple[tuple[Account, datetime], ...]:
    """Each re-read that gave nothing is tried again, less and less often the longer nothing comes."""
    return tuple(
        (w.account, at + min(max(_POSTPONE, (at - p.last_agreeing_at) / 4), _LONGEST_POSTPONE))
        for w in watched
        if (p := w.known.pending) is not None and p.next_read_at <= at
    )


def _rename(watched: TrackedAccount, reading: Reading) -> HandleChange | None:
    """A rename is the same id under another handle. A change of capitals alone is none."""
    before = watched.account.handle
    if reading.handle is None or reading.handle == before or reading.handle.casefold() == before.casefold():
        return None
    return HandleChange(
        watched.account.account_id,
        before,
        reading.handle,
        watched.handle_seen_at,
        reading.at,
    )
