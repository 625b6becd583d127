"""A preview says what the rule would have sent: for a rule that was in force, what it did send."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jobs.replay.load_rule_preview import load_rule_preview
from jobs.replay.rule_preview import rules_on_trial
from jobs.replay.simulate_notifier import Notifier, NotifierStart
from storage.alerts.mutes import maintenance
from storage.alerts.rules import save_rule
from storage.countries.measured_networks import record_days
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage, Cohort, MailKind
from storage.model.alerts.rule_preview import PreviewedGroup, RulePreview, preview_words
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.bitemporal.alert_inputs import DatedCohort, Overtaken, PastMail, RulesSince
from storage.model.core.accounts import ListId
from storage.model.core.availability import ChangeKind
from storage.model.text.target_counts import TargetCount
from storage.postgres.pool import Pool, transaction
from storage.postgres.replica import snapshot
from tests.jobs.notify.test_network_alerts import DAY, measured
from tests.jobs.replay.test_compare_mails import BACK, BLOCK, BRIEF, END, GONE, ME, YOU, live, redone, told
from tests.support.pipelines.late_batches import Desk
from tests.support.samples import alerts
from tests.support.samples.alerts import REPORTERS, a_change, an_alert, tell_by
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes

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


async def test_a_rule_that_was_never_there_is_counted_by_what_is_recorded(pool: Pool, desk: Desk) -> None:
    await live(desk, STORY)  # no rule, so nothing is sent
    found = await preview(pool, EVERYBODY)
    assert (found.emails, found.recipients, found.changes) == (6, (ME, YOU), 3)
    assert [(g.count.accounts, g.recipients, g.handles, g.kind) for g in found.largest] == [
        (1, 2, ("h1",), MailKind.WAVE),
        (1, 2, ("h1",), MailKind.WAVE),
        (1, 2, ("h2",), MailKind.DIGEST),
    ]
    assert found.largest[0].at < found.largest[1].at
    assert "withheld in India" in found.largest[0].headline
    assert await sent(pool) == (0, ())


async def test_what_was_recorded_before_the_period_is_not_counted(pool: Pool, desk: Desk) -> None:
    await live(desk, STORY)
    assert (await preview(pool, PLAIN, minutes(25))).changes == 2


async def test_an_earlier_rule_takes_recipients_from_it(pool: Pool, desk: Desk) -> None:
    await tell_by(pool, replace(PLAIN, name="first"))
    await live(desk, STORY)
    assert (await preview(pool, replace(PLAIN, name="second"))).emails == 0
    assert (await preview(pool, replace(EVERYBODY, name="second"))).recipients == (YOU,)


async def test_a_rule_that_is_off_is_previewed_as_if_it_were_on_and_keeps_its_place(
    pool: Pool, desk: Desk
) -> None:
    async with transaction(pool) as conn:
        await save_rule(conn, PLAIN, "desk", T0, enabled=False)
        await save_rule(conn, EVERYBODY, "desk", T0)
    await live(desk, STORY)
    assert (await preview(pool, PLAIN)).recipients == (ME,)
    assert (await preview(pool, EVERYBODY)).emails > 0


async def test_a_maintenance_of_then_keeps_the_preview_silent_too(pool: Pool, desk: Desk) -> None:
    async with transaction(pool) as conn:
        await maintenance(conn, T0, minutes(25), "moving", "desk", T0)
    await live(desk, STORY)
    assert (await preview(pool, PLAIN)).changes == 2


@pytest.mark.parametrize("waits", [True, False])
async def test_a_platform_that_was_known_to_be_unreachable_keeps_the_preview_silent_too(
    pool: Pool, desk: Desk, waits: bool
) -> None:
    async def read(outcomes: list[str], at: datetime) -> None:
        async with transaction(pool) as conn:
            days = measured(*outcomes, until=T0.date() - DAY)
            await record_days(conn, "IN", (T0.date() - 9 * DAY, T0.date()), days, at)

    rule = replace(PLAIN, not_if_unreachable=waits)
    await tell_by(pool, rule)
    await read(["bad", "bad"], T0)
    await live(desk, BLOCK, 24)
    await read(["good"], minutes(25))
    await live(desk, BACK)
    found = await preview(pool, rule)
    assert (found.emails, found.recipients) == await sent(pool)
    assert found.changes == (1 if waits else 2)
    assert told(await redone(desk)) == []
    assert told(await redone(desk, rule)) == []
    other = await redone(desk, replace(rule, not_if_unreachable=not waits))
    assert [(said, n) for said, _, _, n in told(other)] == [("more" if waits else "not", 1)]


def test_rules_without_a_common_recipient_are_left_out_and_its_own_place_is_kept() -> None:
    known = [
        alerts.a_rule(replace(PLAIN, name="before"), 1),
        alerts.a_rule(replace(PLAIN, name="mine"), 2, enabled=False),
        alerts.a_rule(AlertRule((YOU,), name="of others"), 3),
    ]
    tried = rules_on_trial(known, replace(PLAIN, name="mine"))
    assert [(s.rule.name, s.rule_id, s.enabled) for s in tried] == [("before", 1, True), ("mine", 2, True)]
    assert [s.rule_id for s in rules_on_trial(known, replace(PLAIN, name="new"))] == [1, 4]


@pytest.mark.parametrize("hours", [1, 6])
def test_what_may_wait_is_told_as_if_the_notifier_had_looked_at_once(hours: int) -> None:
    """An account of a list changes every 50 minutes for two weeks, some of them back and forth."""
    rows: list[AlertRow] = []
    for n in range(400):
        at, old, new = minutes(50 * n), AVAILABLE, WITHHELD_IN
        if n // 37 % 2:
            old, new = new, old
        rows.append(an_alert(n + 1, a_change(n % 37, new, old, at=at), at, REPORTERS))
    for rule in (
        PLAIN,
        replace(PLAIN, digest=Digest.DAILY),
        replace(PLAIN, update_after=timedelta(minutes=90)),
    ):
        told: list[list[PastMail]] = []
        for patience in (timedelta(0), timedelta(hours=hours)):
            rules = [RulesSince(T0, (alerts.a_rule(rule),))]
            notifier = Notifier(NotifierStart(rules, (), (), {}, {}, {}, {}, {}), T0, patience)
            notifier.run(rows, (), minutes(50 * 500))
            told.append(notifier.mails)
        assert told[0] == told[1]
        assert len(told[0]) > 10


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(replace(PLAIN, match=Match(provisional=True)), id="provisional changes too"),
        pytest.param(replace(PLAIN, update_after=timedelta(minutes=90)), id="groups of several lists"),
        pytest.param(replace(PLAIN, digest=Digest.DAILY), id="a digest of all lists"),
        pytest.param(replace(PLAIN, flapping_changes=3), id="accounts that go back and forth"),
    ],
)
def test_fewer_looks_at_fewer_alerts_tell_what_all_looks_at_all_alerts_tell(rule: AlertRule) -> None:
    """Accounts of three lists change for ten days. Half the changes are seen first and confirmed later."""
    lists = [Cohort(ListId(n), f"List {n}", None) for n in range(3)]
    rows: list[AlertRow] = []
    overtaken: list[Overtaken] = []
    for n in range(300):
        at, old, new = minutes(48 * n + n % 5), AVAILABLE, WITHHELD_IN
        if n // 29 % 2:
            old, new = new, old
        change = a_change(n % 29, new, old, at=at)
        confirmed_at = at + timedelta(minutes=1 + n % 30)
        if n % 2:
            first = an_alert(1_000 + n, change, at, lists[n % 29 % 3])
            rows.append(replace(first, stage=AlertStage.PROVISIONAL))
            overtaken.append(Overtaken(confirmed_at, 1_000 + n, AlertDecision.SUPERSEDED))
        rows.append(an_alert(n + 1, change, confirmed_at, lists[n % 29 % 3]))
    told: list[list[PastMail]] = []
    for patience, only_stirred in (
        (timedelta(0), False),
        (timedelta(hours=6), False),
        (timedelta(hours=6), True),
    ):
        start = NotifierStart(
            [RulesSince(T0, (alerts.a_rule(rule),))],
            (),
            (),
            {},
            {},
            {},
            {},
            {row.change.account_id: [DatedCohort(c, T0, None, None) for c in row.cohorts] for row in rows},
        )
        notifier = Notifier(start, T0, patience, only_stirred=only_stirred)
        notifier.run(rows, overtaken, minutes(48 * 400))
        told.append(notifier.mails)
    assert told[0] == told[1] == told[2]
    assert len(told[0]) > 10


GROUP = PreviewedGroup(T0, MailKind.WAVE, "1 account", 1, TargetCount(1), ("h1",))


@pytest.mark.parametrize(
    ("emails", "people", "days", "words"),
    [
        (14, ("a", "b", "c"), 30, "In the last 30 days this rule would have sent 14 emails to 3 people."),
        (1, ("a",), 1, "In the last 1 day this rule would have sent 1 email to 1 person."),
        (0, (), 30, "In the last 30 days this rule would have sent no email."),
        (1_200, ("a", "b"), 366, "In the last 366 days this rule would have sent 1,200 emails to 2 people."),
    ],
)
def test_the_figures_are_one_sentence(emails: int, people: tuple[str, ...], days: int, words: str) -> None:
    until, groups = T0 + timedelta(days=days), (GROUP,) if emails else ()
    found = RulePreview(T0, until, emails, people, emails, groups, was_read=True)
    assert preview_words(found) == words


async def test_where_nothing_was_read_no_email_is_no_sign_of_quiet(desk: Desk) -> None:
    await tell_by(desk.pool, PLAIN)
    never = await preview(desk.pool, PLAIN)
    assert (never.emails, never.was_read) == (0, False)
    assert preview_words(never) == (
        "In the last 10 days nothing was read, so what this rule would have sent is not known."
    )
    await desk.take(BLOCK[0])
    quiet = await preview(desk.pool, PLAIN)
    assert preview_words(quiet) == "In the last 10 days this rule would have sent no email."
