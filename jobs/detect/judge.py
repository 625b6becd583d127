"""Judging one answered request: whether it is believed, and what it means for each account."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.core.collector import CollectorAnswer, Exchange
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import RuleOfLists
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
"""The side facts that say who closed an account, by the status of the account. `facts_of` keeps them."""
_VANISHED_AT_LEAST = 3
_VANISHED_SHARE = 0.2
NO_OUTAGE_AFTER = timedelta(days=1)
"""The conditions under which an answer without reliable control accounts is taken for an outage.

Many accounts must vanish at once: at least `_VANISHED_SHARE` of them, and at least `_VANISHED_AT_LEAST` (or
all, if there are fewer). Such an answer is quarantined, logged and shown.

No outage lasts longer than `NO_OUTAGE_AFTER` (assumed). If answers about one of the vanished accounts have
been quarantined for that long, the next answer is believed. A change that it shows still needs four agreeing
readings.
"""


@dataclass(slots=True)
class TrackedAccount:
    """One account as the monitor keeps it in memory. Each commit updates the changed fields."""

    account: Account
    lists: frozenset[ListId]
    known: Known
    handle_seen_at: datetime | None
    exchanges: tuple[Exchange, ...] = ()
    """The raw answers behind the last reading. If the next reading shows another state, they are the evidence
    of the old state.
    """
    facts: SideFacts = frozenset()
    held_since: datetime | None = None
    """When the first quarantined answer since the last believed one arrived. None if there was none."""


@dataclass(frozen=True, slots=True)
class CanaryExpectation:
    """A control account and its known status.

    A `doubted` control account looked wrong while the others looked right, so its status may really have
    changed. It is ignored if another control account in the same answer can be relied on (see
    `failed_canaries`).
    """

    account: Account
    expected: Status
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    outcome: BatchOutcome
    reason: MissedReason | None
    """Why the whole request is not believed; None if it is believed."""
    answered: tuple[bool, ...]
    missed: dict[str, list[int]]
    """Positions of the accounts that gave no reading, by reason. Empty if the whole request is not believed.
    """
    steps: tuple[tuple[TrackedAccount, Reading, ReadingEffect], ...] = ()
    renames: tuple[HandleChange, ...] = ()
    postponed: tuple[tuple[Account, datetime], ...] = ()
    """Accounts with a provisional change whose due re-read gave no reading. Each has the time of the next
    try.
    """
    sightings: tuple[FactSighting, ...] = ()
    """The new side facts of each account whose side facts changed."""
    silent: tuple[str, ...] = ()
    """Countries about which the answer says nothing."""
    vouched: bool | None = None
    """Whether the watched accounts look as before. True means that probably only a control account is wrong.
    None if there are too few accounts to say, or if the answer is not quarantined.
    """
    detail: str = ""
    """What looked wrong, as text for the operator. Empty if the answer is not quarantined."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the answers of one platform: whether each is believed, and what it means for each account."""

    rules: RuleOfLists
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
        """Judge one request that was sent at `asked_at` and answered at `at`.

        Nothing in the answer is believed if the request failed, if a control account looks wrong, or if an
        outage is suspected (see `NO_OUTAGE_AFTER`). Every account then counts as missed.

        `unsure` means that the control accounts of this place are in doubt. `countries` holds the countries
        that the collector can report now; None means all. `unspoken` holds the countries that no worker could
        report at that time. The answer says nothing about `unspoken` countries, nor about countries outside
        `countries`.
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
            quarantined = BatchOutcome.HELD, MissedReason.HELD
            return Judged(
                *quarantined, nobody, {}, postponed=_postponed(watched, at), vouched=False, detail=vanished
            )
        unheard = _unheard_by(answer, countries)
        silent = frozenset(silent_in(answer)) | unheard
        understood = [
            (w, _understood(w, looks.get(w.account.native_id), countries, unspoken | silent)) for w in watched
        ]
        steps = tuple(_steps(understood, self.rules, self.confirmations, asked_at))
        return Judged(
            BatchOutcome.ANSWERED,
            None,
            tuple(r is not None for _, r in understood),
            _reasons(answer, understood),
            steps,
            tuple(rename for w, r, _ in steps if (rename := _rename(w, r)) is not None),
            _postponed([w for w, r in understood if r is None], at),
            tuple(
                seen for w, r, _ in steps if (r.flags or w.facts) and (seen := _sighting(w, r)) is not None
            ),
            tuple(sorted(silent)),
        )


def of_roster(judged: Judged, positions: Sequence[int], size: int) -> Judged:
    """Extend a judgement to the whole batch of `size` accounts. Only the accounts at `positions` were judged.
    The others count as not answered.
    """
    answered = [False] * size
    for position, has_answered in zip(positions, judged.answered, strict=True):
        answered[position] = has_answered
    missed = {reason: [positions[n] for n in places] for reason, places in judged.missed.items()}
    return replace(judged, answered=tuple(answered), missed=missed)


def _unheard_by(answer: CollectorAnswer, countries: frozenset[str] | None) -> frozenset[str]:
    """The countries that this process can report, but the worker that asked could not. The settings of the
    two differ.
    """
    if countries is None or answer.countries is None:
        return _NONE
    return countries - answer.countries


def _steps(
    understood: Sequence[tuple[TrackedAccount, Reading | None]],
    rules: RuleOfLists,
    cohorts: RecentConfirmations,
    asked_at: datetime,
) -> Iterator[tuple[TrackedAccount, Reading, ReadingEffect]]:
    """Yield the effect of each reading. Most readings only repeat what is known. Such readings with the same
    state share one effect.
    """
    shared: dict[State, ReadingEffect] = {}
    for w, r in understood:
        if r is None:
            continue
        if says_nothing_new(w.known, r):
            done = shared.get(r.state)
            if done is None:
                done = shared[r.state] = step(w.known, r, asked_at, rules.rule, cohort_active=False)
        else:
            # Changes of other accounts matter only if this reading shows a state that is not confirmed yet.
            active = r.state != w.known.state and cohorts.is_active(w.lists, r.at)
            done = step(w.known, r, asked_at, rules.at(w.lists, r.at), cohort_active=active)
        yield w, r, done


def silent_in(answer: CollectorAnswer) -> tuple[str, ...]:
    """The countries about which some reading of the answer says nothing. The coverage stores them."""
    return tuple(sorted({country for r in answer.readings for country in r.silent_on}))


def failed_canaries(
    canaries: Sequence[CanaryExpectation], answer: CollectorAnswer
) -> list[tuple[CanaryExpectation, str]]:
    """The control accounts that look wrong, each with a sentence for the operator. Empty if all look right.

    A control account can be relied on if it looks right, is not doubted, and is expected to be neither
    withheld nor suspended. If there is one, doubted control accounts are ignored. Control accounts whose
    follow-up request got no answer are then ignored too; some platforms need several requests per account.
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
    """Return why an answer without reliable control accounts is quarantined. None if it is not quarantined.
    See `NO_OUTAGE_AFTER`.
    """
    seen = [w for w in watched if w.known.pending is None and _was_there(w.known)]
    gone = [w for w in seen if (r := looks.get(w.account.native_id)) is not None and r.state.status.is_gone]
    if not gone or len(gone) < max(min(_VANISHED_AT_LEAST, len(seen)), _VANISHED_SHARE * len(seen)):
        return None
    if any(w.held_since is not None and at - w.held_since >= NO_OUTAGE_AFTER for w in gone):
        return None
    return f"{len(gone)} of {len(seen)} accounts vanished at once, and no control account confirms it"


def _vouched(watched: Sequence[TrackedAccount], looks: Mapping[str, Reading]) -> bool | None:
    """Whether nearly all accounts that existed look as before; None if there are too few to say."""
    seen = [w for w in watched if w.known.pending is None and _was_there(w.known)]
    same = sum((r := looks.get(w.account.native_id)) is not None and r.state == w.known.state for w in seen)
    if len(seen) < _VANISHED_AT_LEAST:
        return True if seen and same == len(seen) else None
    return same > (1 - _VANISHED_SHARE) * len(seen)


def _was_there(known: Known) -> bool:
    return known.state is not None and not known.state.status.is_gone


def facts_of(before: SideFacts, reading: Reading) -> SideFacts:
    """The side facts of an account after a reading.

    A closed account does not show its facts, so the earlier facts are kept, with two exceptions. The fact of
    who closed the account is kept only if it fits the status and the reading itself does not say who did. The
    fact that a post is gone because of its author is never kept: each reading states it again.
    """
    shown: SideFacts = frozenset((flag, _value(flag, reading)) for flag in reading.flags)
    if not (reading.state.status.is_gone or reading.state.status is Status.SUSPENDED):
        return shown
    says_who = any(flag in SCOPE_FLAGS and flag is not Flag.SCOPE_UNANSWERED for flag, _ in shown)
    same: frozenset[Flag] = frozenset() if says_who else _SCOPES_OF.get(reading.state.status, frozenset())
    kept = {fact for fact in before if fact[0] not in SCOPE_FLAGS or fact[0] in same}
    return shown | {fact for fact in kept if fact[0] is not Flag.WITH_AUTHOR}


def _value(flag: Flag, reading: Reading) -> str:
    return reading.moved_to or "" if flag in {Flag.MOVED, Flag.MOVED_UNPROVEN} else ""


def _understood(
    watched: TrackedAccount,
    reading: Reading | None,
    countries: frozenset[str] | None,
    unspoken: frozenset[str],
) -> Reading | None:
    """Combine a reading with what is known of the account. None if the reading is missing or not conclusive.

    The reading says nothing about the `unspoken` countries, nor about countries outside `countries`. If it
    does not show the account, it says nothing about any country.
    """
    if reading is None:
        return None
    if reading.flags and Flag.DELETED in reading.flags and watched.known.state is None:
        # The account was never seen alive, so "deleted" would claim a change that was not observed.
        reading = replace(reading, flags=reading.flags - {Flag.DELETED})
    if countries is not None:
        named = held_in(watched.known) | frozenset(reading.state.withheld_in)
        unspoken |= named - countries if reading.state.status in BY_COUNTRY else named | countries
    if unspoken:
        reading = as_answered(replace(reading, silent_on=reading.silent_on | unspoken))
    return completed(watched.known, reading) if reading.silent_on else reading


def held_in(known: Known) -> frozenset[str]:
    """The countries in which the account is withheld in its confirmed or its provisional state."""
    states = (known.state, known.pending.state if known.pending is not None else None)
    return frozenset(country for s in states if s is not None for country in s.withheld_in)


def _sighting(watched: TrackedAccount, reading: Reading) -> FactSighting | None:
    facts = facts_of(watched.facts, reading)
    if facts == watched.facts:
        return None
    return FactSighting(watched.account.account_id, facts, watched.known.last_asked_at, reading.at)


def _reasons(
    answer: CollectorAnswer, understood: Sequence[tuple[TrackedAccount, Reading | None]]
) -> dict[str, list[int]]:
    why = {m.native_id: m.reason.value for m in answer.missed}
    reasons: dict[str, list[int]] = {}
    for position, (w, r) in enumerate(understood):
        if r is None:
            reason = why.get(w.account.native_id, MissedReason.UNHEARD.value)
            reasons.setdefault(reason, []).append(position)
    return reasons


def _wrong(canary: CanaryExpectation, reading: Reading | None) -> str | None:
    """Say how a control account looks wrong in an answer. None if it looks right."""
    if reading is not None and reading.state.status is canary.expected:
        return None
    seen = "is not in the answer" if reading is None else f"looks {reading.state.status.value}"
    return f"control account @{canary.account.handle} {seen} and should be {canary.expected.value}"


def _postponed(watched: Sequence[TrackedAccount], at: datetime) -> tuple[tuple[Account, datetime], ...]:
    """The accounts whose due re-read gave no reading. Each has the time of the next try. The wait grows with
    the time since the last agreeing reading.
    """
    return tuple(
        (w.account, at + min(max(_POSTPONE, (at - p.last_agreeing_at) / 4), _LONGEST_POSTPONE))
        for w in watched
        if (p := w.known.pending) is not None and p.next_read_at <= at
    )


def _rename(watched: TrackedAccount, reading: Reading) -> HandleChange | None:
    """Return the rename that a reading shows. None if the reading shows no handle or the same one. A
    difference only in upper and lower case is not a rename.
    """
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
