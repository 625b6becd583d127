"""Deciding again: with the rules in force every stored change comes out as it is stored."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, Folding
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from jobs.replay.redetect_fast import redetect_fast
from jobs.replay.replay import IN_FORCE, Redecided
from storage.accounts.accounts import stop_watching
from storage.alerts.mutes import maintenance
from storage.alerts.rules import put_in_order, remove_rule, save_rule
from storage.model.alerts.alerts import MailKind
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.bitemporal.corrections import RecomputedChange
from storage.model.bitemporal.reading_columns import (
    Course,
    ReplayedReading,
    ReplayedReadings,
    columns_of,
    with_more,
)
from storage.model.bitemporal.reevaluation import Effect
from storage.model.core.accounts import Account, AccountId, DatedMembership, ListId, lists_at
from storage.model.core.availability import Flag, State, Status, Strength
from storage.model.core.known_state import Known
from storage.model.core.packed_columns import instant, microseconds
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.pipelines.late_batches import LATENCY_MS, Delivery, Desk, Record, Sent
from tests.support.pipelines.monitor import EARLY, again, effects
from tests.support.repeats import repeats
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

WEAK_NEVER = ConfirmationRule((timedelta(0), MINUTE, timedelta(days=300)), 2, 3, cohort_discount=0)
A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND


LOOKS = st.sampled_from([A, A, A, W, W, S, N, N, None])
ROSTERS = (("1", "2", "3"), ("1", "2"), ("3",))
STORIES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 5, 16, 61, 300]),
        st.sampled_from(ROSTERS),
        st.tuples(LOOKS, LOOKS, LOOKS),
        st.sampled_from([LATENCY_MS, LATENCY_MS, LATENCY_MS, 150_000, 1_200_000]),
    ),
    min_size=1,
    max_size=14,
)


@pytest.mark.again
@settings(
    max_examples=repeats(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=STORIES, order=st.randoms(use_true_random=False), cut=st.integers(0, 900))
async def test_what_came_in_late_is_decided_as_it_is_told_since(
    fresh_database: Callable[[], AbstractContextManager[str]],
    drawn: list[tuple[int, tuple[str, ...], tuple[State | None, ...], int]],
    order: random.Random,
    cut: int,
) -> None:
    """Whatever the order in which answers came in, and wherever the time begins or ends."""
    minute, story = 0, list[Delivery]()
    for n, (gap, roster, looks, latency_ms) in enumerate(drawn):
        minute += gap
        story.append(Sent(minute, dict(zip(roster, looks, strict=False)), latency_ms, n))
    order.shuffle(story)
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            desk = Desk(pool)
            await desk.enlist("1", "2", "3")
            for delivery in [*story, Record("somebody else", "1", [(3.5, S), (40.5, W)])]:
                await desk.take(delivery)
            for since, until in ((0, 9_000), (0, cut), (cut, 9_000)):
                found = await again(pool, minutes(since), minutes(until))
                assert found.compared.differences == ()


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return desk


BLOCK = [Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": W})]


async def test_whoever_was_taken_off_the_watch_is_let_go_again(desk: Desk) -> None:
    for sent in BLOCK[:2]:
        await desk.take(sent)
    async with transaction(desk.pool) as conn:
        await stop_watching(conn, X, "h1", minutes(15))
    found = await again(desk.pool, T0, minutes(100))
    assert found.compared.differences == ()
    assert found.compared.same == 2


async def test_a_record_that_contradicts_its_readings_is_not_explained(desk: Desk) -> None:
    """As a fault of ours would leave it: confirmed by a single reading."""
    for sent in BLOCK:
        await desk.take(sent)
    async with transaction(desk.pool) as conn:
        await conn.execute("alter table change_outcome disable trigger user")
        await conn.execute(
            "update change_outcome set readings = 1, last_agreeing_at = $1 where readings = 2", minutes(10)
        )
    found = await again(desk.pool, T0, minutes(100))
    assert effects(found) == {Effect.LATER: 1}
    assert found.compared.unexplained == 1


MAILED_A, MAILED_W, MAILED_N = AVAILABLE, WITHHELD_IN, NOT_FOUND
ME, YOU = "desk@example.org", "other@example.org"
PLAIN = AlertRule((ME,), name="default")
COMPARED_BLOCK = [Sent(0, {"1": MAILED_A}), Sent(10, {"1": MAILED_W}), Sent(20, {"1": MAILED_W})]
BACK = [Sent(30, {"1": MAILED_A}), Sent(40, {"1": MAILED_A})]
BRIEF = [Sent(0, {"2": MAILED_A}), Sent(50, {"2": MAILED_W}), Sent(51, {"2": MAILED_A})]
GONE = [Sent(60, {"2": MAILED_A}), *(Sent(m, {"2": MAILED_N}) for m in (70, 72, 90, 150))]
END = 10 * 1_440


async def live(desk: Desk, story: Sequence[Sent], until: float = END) -> None:
    """What is read is recorded, and a notifier looks every few minutes and whenever a day begins."""
    times = sorted({*(s.minute + 0.02 for s in story), *(s.minute + 1 for s in story)})
    times += [m for m in range(240, END + 1, 240) if m > times[-1]]
    waiting = list(story)
    for minute in [t for t in times if t <= until]:
        while waiting and waiting[0].minute <= minute:
            desk.now = minutes(minute - 1)  # what is late is recorded now as well, and not long after
            await desk.take(waiting.pop(0))
        await decide_alerts(desk.pool, minutes(minute), Letterhead())


async def redone(desk: Desk, *rules: AlertRule, early: bool = False, weak: bool = True) -> Redecided:
    thresholds = EARLY if early else IN_FORCE if weak else WEAK_NEVER
    return await again(desk.pool, T0, minutes(END), thresholds, rules or None)


def told(found: Redecided) -> list[tuple[str, str, MailKind, int]]:
    """What differs: whether it would have gone, to whom, in what, of how many changes."""
    return [
        ("not" if d.was_sent else "more", d.mail.recipient, d.mail.kind, len(d.mail.facts))
        for d in found.mails.differences
    ]


WAVE, DIGEST = MailKind.WAVE, MailKind.DIGEST


async def test_what_would_be_told_too_early_would_be_taken_back(desk: Desk) -> None:
    await tell_by(desk.pool, PLAIN)
    await live(desk, BRIEF)
    found = await redone(desk, AlertRule((ME,), match=Match(provisional=True)))
    assert told(found) == [("more", ME, WAVE, 1)] * 2
    assert [d.mail.headline.partition(":")[0] for d in found.mails.differences] == [
        "Provisional",
        "Taken back",
    ]


async def test_rules_that_were_changed_on_the_way_are_those_of_each_moment(desk: Desk) -> None:
    story = [*COMPARED_BLOCK, *BACK, *BRIEF, *GONE]
    await tell_by(desk.pool, PLAIN)
    await live(desk, story[:3], 25)
    async with transaction(desk.pool) as conn:
        await save_rule(conn, AlertRule((YOU,), name="night"), "desk", minutes(25))
        await save_rule(conn, AlertRule((YOU, ME), name="lead"), "desk", minutes(25))
        await put_in_order(conn, ["lead", "night"], "desk", minutes(26))
    await live(desk, story[3:5], 45)
    async with transaction(desk.pool) as conn:
        await remove_rule(conn, "lead", "desk", minutes(45))
        await save_rule(conn, AlertRule((YOU,), name="night", digest=Digest.DAILY), "desk", minutes(46))
        await maintenance(conn, minutes(65), minutes(200), "moving", "desk", minutes(47))
    await live(desk, story[5:])
    found = await redone(desk)
    assert told(found) == []
    assert (found.mails.decisions_otherwise, found.mails.decisions_same) == (0, 6)


BOTH, TR = State(Status.WITHHELD, ("IN", "TR")), State(Status.WITHHELD, ("TR",))
RULE = ConfirmationRule()
REDETECT_FAST_WEAK_NEVER = ConfirmationRule(
    (timedelta(0), MINUTE, 15 * MINUTE, timedelta(days=3_000)), cohort_discount=0
)
RULES = [
    RULE,
    ConfirmationRule(strong_readings=1, weak_readings=1),
    REDETECT_FAST_WEAK_NEVER,
    ConfirmationRule((timedelta(0), 2 * MINUTE, 30 * MINUTE), 2, 3, timedelta(minutes=40), 2),
]

Shown = tuple[float, State, frozenset[str]]
"""Minutes since the reading before, what it showed as it was understood, and what it was silent on."""


def course(
    n: int,
    shown: Sequence[Shown],
    lists: Sequence[int] = (1,),
    let_go: Sequence[float] = (),
    start: float = 0,
    slow: Mapping[int, float] = MappingProxyType({}),
) -> Course:
    """`slow` is how many minutes some answers took, by their place; all others took 1.5 seconds."""
    at, rows, since, looks = (
        start,
        list[tuple[int, int, frozenset[str]]](),
        list[int](),
        list[ReplayedReading | None](),
    )
    for n_shown, (gap, state, silent) in enumerate(shown):
        at += gap
        when = microseconds(minutes(at))
        rows.append((when, when - round(slow.get(n_shown, 0.025) * 60_000_000), silent))
        strength = Strength.WEAK if state.status.is_gone else Strength.STRONG
        look = ReplayedReading(state, strength, frozenset({Flag.HOST}) if state == S else frozenset())
        if not since or (looks[-1] != look and since[-1] != when):
            since.append(when)
            looks.append(look)
    return Course(
        Account(AccountId(n), X, str(n), f"h{n}"),
        [DatedMembership(ListId(i), minutes(30 * (i - 1)), minutes(30 * i + 60)) for i in lists],
        columns_of(rows),
        ReplayedReadings(since, looks),
        (),
        let_go_at=sorted(minutes(m) for m in let_go),
    )


def one_by_one(
    courses: Sequence[Course], rule: ConfirmationRule
) -> dict[AccountId, tuple[RecomputedChange, ...]]:
    """Every reading of everybody through `step`, in the order of time."""
    folding = {c.account.account_id: Folding(Known(), frozenset()) for c in courses}
    confirmed_on = ConfirmedOn({})
    by_id = {c.account.account_id: c for c in courses}
    events = [(instant(at), 0, c.account.account_id, n) for c in courses for n, at in enumerate(c.columns.at)]
    events += [(at, 1, c.account.account_id, 0) for c in courses for at in c.let_go_at]
    for at, is_end, account_id, n in sorted(events):
        if is_end:
            folding[account_id].let_go()
        else:
            course = by_id[account_id]
            folding[account_id].take(course.asked(n), lists_at(course.memberships, at), confirmed_on, rule)
    return {account_id: f.end() for account_id, f in folding.items()}


GAPS = st.sampled_from([0, 0.5, 1, 1, 1, 5, 16, 61])
SHOWN = st.tuples(
    GAPS,
    st.sampled_from([A, A, A, W, W, BOTH, TR, S, N, N]),
    st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"IN"}), frozenset({"IN", "TR"})]),
)
RUN = st.tuples(SHOWN, st.integers(1, 6)).map(lambda run: [run[0]] * run[1])
LINES = st.lists(RUN, min_size=1, max_size=8).map(lambda runs: [shown for run in runs for shown in run])
MEMBERS = st.sampled_from([(), (1,), (1, 2), (2,)])
COURSES = st.lists(
    st.tuples(
        LINES,
        MEMBERS,
        st.lists(st.integers(0, 200), max_size=1),
        st.dictionaries(st.integers(1, 30), st.sampled_from([0.8, 3, 20, 70]), max_size=4),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.again
@settings(max_examples=repeats(150, 2000))
@given(drawn=COURSES, rule=st.sampled_from(RULES))
def test_skipping_tells_what_stepping_one_by_one_tells(
    drawn: list[tuple[list[Shown], tuple[int, ...], list[int], dict[int, float]]], rule: ConfirmationRule
) -> None:
    courses = [
        course(n, shown, lists, let_go, slow=slow) for n, (shown, lists, let_go, slow) in enumerate(drawn)
    ]
    assert redetect_fast(courses, {}, rule) == one_by_one(courses, rule)


NOTHING = frozenset[str]()


ROW = st.tuples(
    st.integers(0, 30), st.integers(-3, 0), st.sampled_from([NOTHING, NOTHING, NOTHING, frozenset({"IN"})])
).map(lambda r: (r[0] * 10, r[0] * 10 + r[1], r[2]))


@given(many=st.lists(ROW, max_size=20), few=st.lists(ROW, max_size=4))
def test_a_few_readings_more_are_put_where_they_belong(
    many: list[tuple[int, int, frozenset[str]]], few: list[tuple[int, int, frozenset[str]]]
) -> None:
    plain = columns_of([(at, asked, NOTHING) for at, asked, _ in many])
    rows = [*((at, asked, NOTHING) for at, asked in zip(plain.at, plain.asked, strict=True)), *few]
    both, all_of_them = with_more(plain, few), columns_of(rows)
    assert (list(both.at), both.silences) == (list(all_of_them.at), all_of_them.silences)
    assert list(both.asked) == list(all_of_them.asked)
