"""A preview says what the rule would have sent: for a rule that was in force, what it did send."""

from dataclasses import replace
from datetime import datetime

import pytest

from jobs.replay.load_rule_preview import load_rule_preview
from jobs.replay.rule_preview import rules_on_trial
from jobs.replay.threshold_preview import load_threshold_preview
from storage.accounts.watch_lists import make_list
from storage.model.alerts.rule_preview import RulePreview
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.bitemporal.threshold_preview import ThresholdPreview, threshold_preview_words
from storage.model.core.availability import ChangeKind
from storage.model.core.list_thresholds import ListThresholds
from storage.postgres.pool import Pool, Refused, transaction
from storage.postgres.replica import snapshot
from tests.jobs.replay.test_replay import BACK, BLOCK, BRIEF, END, GONE, ME, YOU, live
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples import alerts
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, minutes

STORY = [*BLOCK, *BACK, *BRIEF, *GONE]
PLAIN = AlertRule((ME,), name="default")
EVERYBODY = AlertRule((ME, YOU), name="everybody")


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2")
    return desk


async def preview(pool: Pool, rule: AlertRule, since: datetime = T0) -> RulePreview:
    """In a transaction that can write nothing."""
    async with snapshot(pool) as conn:
        return await load_rule_preview(conn, rule, since, minutes(END))


async def sent(pool: Pool) -> tuple[int, tuple[str, ...]]:
    """How many emails the notifier queued, and to whom."""
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            "select unnest(recipients) as r from mail where kind in ('wave', 'digest', 'reply')"
        )
    return len(rows), tuple(sorted({r["r"] for r in rows}))


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(PLAIN, id="a plain rule"),
        pytest.param(EVERYBODY, id="of two recipients"),
        pytest.param(replace(PLAIN, digest=Digest.DAILY), id="with a digest, of days without a change too"),
        pytest.param(replace(PLAIN, match=Match(provisional=True)), id="of provisional changes"),
        pytest.param(replace(PLAIN, match=Match(kinds=frozenset({ChangeKind.GONE}))), id="of one kind"),
        pytest.param(replace(PLAIN, match=Match(countries=frozenset({"TR"}))), id="that matches nothing"),
        pytest.param(replace(PLAIN, recipients=()), id="that names nobody"),
    ],
)
async def test_the_preview_of_a_rule_in_force_is_what_was_sent(
    pool: Pool, desk: Desk, rule: AlertRule
) -> None:
    await tell_by(pool, rule)
    await live(desk, STORY)
    found = await preview(pool, rule)
    assert (found.emails, found.recipients) == await sent(pool)


async def test_what_was_recorded_before_the_period_is_not_counted(pool: Pool, desk: Desk) -> None:
    await live(desk, STORY)
    assert (await preview(pool, PLAIN, minutes(25))).changes == 2


def test_rules_without_a_common_recipient_are_left_out_and_its_own_place_is_kept() -> None:
    known = [
        alerts.a_rule(replace(PLAIN, name="before"), 1),
        alerts.a_rule(replace(PLAIN, name="mine"), 2, enabled=False),
        alerts.a_rule(AlertRule((YOU,), name="of others"), 3),
    ]
    tried = rules_on_trial(known, replace(PLAIN, name="mine"))
    assert [(s.rule.name, s.rule_id, s.enabled) for s in tried] == [("before", 1, True), ("mine", 2, True)]
    assert [s.rule_id for s in rules_on_trial(known, replace(PLAIN, name="new"))] == [1, 4]


A, S, N = AVAILABLE, SUSPENDED, NOT_FOUND
EARLY, STRICT = ListThresholds(1, 1), ListThresholds(3, 5)


async def preview_of_thresholds(
    desk: Desk, wanted: ListThresholds | None, name: str = "Desk", since: float = 0
) -> ThresholdPreview:
    async with snapshot(desk.pool) as conn:
        return await load_threshold_preview(conn, name, wanted, minutes(since), minutes(1_000))


THRESHOLD_BLOCK = [Sent(0, {"1": A}), Sent(10, {"1": S}), Sent(20, {"1": S}), Sent(30, {"1": S})]


async def test_a_preview_names_the_changes_with_both_times(desk: Desk) -> None:
    for sent in THRESHOLD_BLOCK:
        await desk.late(sent)
    (case,) = (await preview_of_thresholds(desk, STRICT)).cases
    assert (case.handle, case.status, case.first_seen) == ("h1", "Suspended", minutes(10))
    assert (case.confirmed_at, case.would_be_confirmed_at) == (minutes(20), minutes(30))
    (gone,) = (await preview_of_thresholds(desk, ListThresholds(4, 4))).cases
    assert (gone.confirmed_at, gone.would_be_confirmed_at) == (minutes(20), None)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param(
            EARLY, "In the last 1 day 1 change would have been confirmed earlier.", id="a difference"
        ),
        pytest.param(
            None,
            "In the last 1 day nothing would have been confirmed otherwise: 1 change compared.",
            id="no difference",
        ),
    ],
)
async def test_a_preview_is_said_in_one_sentence(
    desk: Desk, wanted: ListThresholds | None, said: str
) -> None:
    for sent in THRESHOLD_BLOCK:
        await desk.late(sent)
    assert threshold_preview_words(await preview_of_thresholds(desk, wanted)) == said


async def test_a_list_without_accounts_or_changes_says_so_and_an_unknown_one_is_refused(desk: Desk) -> None:
    async with transaction(desk.pool) as conn:
        await make_list(conn, "Empty", "Asha", T0)
    assert "nothing to compare" in threshold_preview_words(await preview_of_thresholds(desk, EARLY, "Empty"))
    await desk.late(Sent(0, {"1": A}))
    said = threshold_preview_words(await preview_of_thresholds(desk, EARLY, since=5))
    assert said == "In the last 1 day nothing was read, so the effect of these numbers is not known."
    await desk.late(Sent(10, {"1": A}))
    said = threshold_preview_words(await preview_of_thresholds(desk, EARLY, since=5))
    assert said == "In the last 1 day no reading shows a change of this list, so nothing would differ."
    with pytest.raises(Refused, match="There is no list 'Dask'"):
        await preview_of_thresholds(desk, EARLY, "Dask")
