"""What the dashboard, the commands and the notifier tell once a correction was recorded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from collectors.x.declaration import X
from dashboard.accounts.account_chart import TimelineOverlay, account_figure
from dashboard.accounts.account_context import AccountContext
from dashboard.accounts.account_history_cards import changes_card, superseded_card
from dashboard.ui.cards import MOST_ROWS
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from storage.accounts.listing import listed_accounts
from storage.alerts import open_alerts
from storage.countries.countries import by_country
from storage.countries.country_report import country_accounts
from storage.live.account_detail import AccountHistory, account_detail
from storage.live.kpis import kpis
from storage.live.snapshot import changes, last_event_id, snapshot, spells
from storage.live.updates import LiveNews, news_since
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import Account
from storage.model.core.availability import ChangeKind, State
from storage.postgres.pool import Pool, transaction
from storage.readings import rehearsal_readback
from tests.support.clients.page_text import said, spans
from tests.support.pipelines.late_batches import deliver
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import enlist

Look = tuple[float, State]
RULE = AlertRule(recipients=("desk@example.org",))
NEVER = timedelta(days=99)

IN_ORDER = [(0, AVAILABLE), (50, AVAILABLE), (60, WITHHELD_IN), (62, WITHHELD_IN)]
EARLIER = (55, WITHHELD_IN)
"""It was withheld before it was first seen so in order."""
BETWEEN = (61, AVAILABLE)
"""The two readings that confirmed it do not belong together."""
BACK = [(0, AVAILABLE), (50, WITHHELD_IN), (52, WITHHELD_IN), (60, AVAILABLE), (62, AVAILABLE)]
NEVER_SO = (51, AVAILABLE)
"""It was never withheld for two readings, so it did not come back either."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One account, looked at in order; the correction is recorded at minute 90."""

    pool: Pool
    account: Account
    news: LiveNews

    async def detail(self) -> AccountHistory:
        async with transaction(self.pool) as conn:
            found = await account_detail(conn, self.account.account_id, minutes(91), timedelta(hours=9))
        assert found is not None
        return found


async def watch(pool: Pool, looks: Sequence[Look]) -> Account:
    async with transaction(pool) as conn:
        (account,) = await enlist(conn, X, ["1"], ("List",))
    for at, state in looks:
        await deliver(pool, [(account, state)], minutes(at))
    return account


async def correct(
    pool: Pool, looks: Sequence[Look], late: Look, *, mailed_at: float | None = None
) -> Corrected:
    account = await watch(pool, looks)
    if mailed_at is not None:
        await tell_by(pool, RULE)
        await decide_alerts(pool, minutes(mailed_at), Letterhead())
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
    await deliver(pool, [(account, late[1])], minutes(late[0]), minutes(90))
    async with transaction(pool) as conn:
        news = await news_since(conn, before, 100)
    assert news is not None
    return Corrected(pool, account, news)


def told(one: AccountHistory) -> list[tuple[ChangeKind, float, str | None]]:
    return [(c.kind, (c.first_seen_new - T0) / MINUTE, c.outcome) for c in one.changes]


async def test_a_correction_takes_the_place_of_what_it_corrects_in_the_live_view(pool: Pool) -> None:
    one = await correct(pool, IN_ORDER, EARLIER)
    async with transaction(pool) as conn:
        live = await snapshot(conn, None, minutes(91), NEVER)
        before = await changes(conn, minutes(-9), (), minutes(89))

    assert [c.first_seen_new for c in live.changes] == [minutes(55)]
    assert [c.first_seen_new for c in before] == [minutes(60)]
    assert [c.supersedes for c in live.changes] == [before[0].change_id]
    assert one.news.superseded == (before[0].change_id,)
    assert one.news.changes == live.changes
    assert one.news.spells == live.spells


async def test_what_was_told_before_stays_on_the_account_page_with_both_times(pool: Pool) -> None:
    one = await (await correct(pool, IN_ORDER, EARLIER, mailed_at=70)).detail()
    assert told(one) == [(ChangeKind.BLOCK, 55, "confirmed"), (ChangeKind.BASELINE, 0, "confirmed")]
    assert [(c.first_seen_new, c.recorded_at, c.superseded_at) for c in one.superseded] == [
        (minutes(60), minutes(60), minutes(90))
    ]

    def written(parts: object) -> str:
        return json.dumps(parts, default=lambda part: part.to_plotly_json())

    assert "corrected later; the earlier record is below" in written(changes_card(one, AccountContext()))
    page = written(superseded_card(one))
    for words in ("1 Feb 2021, 01:00:00 UTC", "1 Feb 2021, 01:30:00 UTC", "Del", "/mail/", "confirmed"):
        assert words in page, words


async def test_a_page_without_corrections_has_no_table_of_them(pool: Pool) -> None:
    account = await watch(pool, IN_ORDER)
    async with transaction(pool) as conn:
        one = await account_detail(conn, account.account_id, minutes(91), NEVER)
    assert one is not None
    assert superseded_card(one) == []


async def test_a_change_that_was_none_is_counted_nowhere(pool: Pool) -> None:
    one = await (await correct(pool, BACK, NEVER_SO)).detail()
    assert [outcome for kind, _, outcome in told(one) if kind is not ChangeKind.BASELINE] == (
        ["not_confirmed"] * 3
    )
    assert [(s.state, s.until) for s in one.spells] == [(AVAILABLE, None)]
    async with transaction(pool) as conn:
        counts = await kpis(conn, minutes(91), timedelta(hours=1))
        assert (counts.new_blocks, counts.restored, counts.last_restored_at) == (0, 0, None)
        assert await by_country(conn) == []
        assert await country_accounts(conn, "IN", None, 9, 0) == ()
        assert [c.new for c in await rehearsal_readback.confirmed_changes(conn)] == [AVAILABLE]
        assert (await rehearsal_readback.totals(conn)).not_confirmed == 3


async def test_why_it_was_none_is_said_in_words(pool: Pool) -> None:
    one = await (await correct(pool, BACK, NEVER_SO)).detail()
    table = json.dumps(changes_card(one, AccountContext()), default=lambda part: part.to_plotly_json())
    assert "a reading that arrived late contradicts the change" in table


async def test_no_export_is_named_for_corrected_changes_because_none_has_them(pool: Pool) -> None:
    one = await (await correct(pool, BACK, NEVER_SO)).detail()
    many = replace(one, superseded=one.superseded[:1] * (MOST_ROWS + 3))

    told = " ".join(map(said, superseded_card(many)))

    assert "3 older corrected changes are not shown." in told
    assert "export" not in told


async def test_what_was_not_confirmed_is_drawn_up_to_its_last_reading_not_to_the_correction(
    pool: Pool,
) -> None:
    one = await (await correct(pool, BACK, NEVER_SO)).detail()
    figure: Any = account_figure(
        X,
        one.spells,
        one.changes,
        one.seen,
        TimelineOverlay((), ()),
        minutes(91),
        minutes(91),
        "light",
    ).figure
    (hollow,) = [t for t in figure.data if t.name == "Provisional or not confirmed"]
    assert max(end for _, end in spans(hollow)) < minutes(63)


@pytest.mark.parametrize(
    ("looks", "late", "counted"),
    [
        pytest.param(IN_ORDER, EARLIER, [(minutes(55), "mailed")], id="mailed once, and it began earlier"),
        pytest.param(IN_ORDER, BETWEEN, [], id="mailed, and it is not confirmed any more"),
        pytest.param(BACK, NEVER_SO, [], id="mailed twice, and it was none"),
    ],
)
async def test_flapping_is_judged_by_what_stands(
    pool: Pool, looks: Sequence[Look], late: Look, counted: list[tuple[datetime, str]]
) -> None:
    one = await correct(pool, looks, late, mailed_at=80)
    async with transaction(pool) as conn:
        alerts = await open_alerts.recent_alerts(conn, [one.account.account_id], T0)
    assert [(a.change.first_seen_new, *a.decisions.values()) for a in alerts] == counted


@pytest.mark.parametrize(
    ("at", "known_at", "state", "since"),
    [
        (57, 89, AVAILABLE, 0),
        (57, 90, WITHHELD_IN, 55),
        (61, 61, AVAILABLE, 0),
        (61, 62, WITHHELD_IN, 60),
        (61, 89, WITHHELD_IN, 60),
        (61, 90, WITHHELD_IN, 55),
    ],
)
async def test_what_was_so_at_a_time_depends_on_which_corrections_were_recorded(
    pool: Pool, at: float, known_at: float, state: State, since: float
) -> None:
    await correct(pool, IN_ORDER, EARLIER)
    async with transaction(pool) as conn:
        (listed,) = await listed_accounts(conn, None, minutes(at), minutes(known_at))
    assert (listed.state, listed.since) == (state, minutes(since))


async def test_a_provisional_change_is_told_with_the_readings_that_were_known(pool: Pool) -> None:
    await watch(pool, [(0, AVAILABLE), (60, NOT_FOUND), (61, NOT_FOUND), (75, NOT_FOUND), (120, NOT_FOUND)])
    async with transaction(pool) as conn:
        known = {
            at: [(c.outcome, c.readings) for c in await changes(conn, minutes(70), (), minutes(at))]
            for at in (59, 60, 61, 75, 119, 120)
        }
        assert [s.state for s in await spells(conn, None, None, minutes(119))] == [AVAILABLE]
        assert [s.state for s in await spells(conn, None, None)] == [AVAILABLE, NOT_FOUND]
    assert known == {
        59: [],
        60: [(None, 1)],
        61: [(None, 2)],
        75: [(None, 3)],
        119: [(None, 3)],
        120: [],
    }, "first seen before the window, it is told while it is provisional"


async def test_a_provisional_change_that_was_corrected_keeps_the_readings_it_had(pool: Pool) -> None:
    looks = [(0, AVAILABLE), (50, AVAILABLE), (60, NOT_FOUND), (61, NOT_FOUND)]
    one = await (await correct(pool, looks, (55, NOT_FOUND))).detail()
    assert [(c.outcome, c.readings) for c in one.superseded] == [(None, 2)]
    assert [(c.outcome, c.readings) for c in one.changes if c.supersedes] == [(None, 2)]
    async with transaction(pool) as conn:
        then = await changes(conn, minutes(75), (), minutes(80))
    assert [(c.first_seen_new, c.outcome, c.readings) for c in then] == [(minutes(60), None, 2)]
