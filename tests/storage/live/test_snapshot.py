"""Read models of the dashboard, over a small story in a real database."""

from datetime import timedelta

from collectors.x.declaration import X
from dashboard.asgi.settings import DashboardSettings
from storage.accounts.accounts import stop_watching
from storage.alerts.deliveries_report import DeliveryFilter, deliveries
from storage.alerts.mails_report import mail
from storage.live.account_detail import account_detail
from storage.live.kpis import kpis
from storage.live.snapshot import accounts, changes, last_event_id, snapshot, spells
from storage.live.updates import news_since
from storage.model.core.availability import Status
from storage.model.core.coverage import Gap
from storage.postgres.pool import Pool, transaction
from storage.readings.coverage_report import requests_since
from tests.support.samples.label_signing import POST, stated, store
from tests.support.seeds.changes import AVAILABLE, HOUR, SUSPENDED, Story, confirm, happen

SETTINGS = DashboardSettings("t", "s", synthetic=True, sweep_every=timedelta(minutes=30))


async def test_the_snapshot_holds_every_watched_account_and_not_the_control_accounts(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        shot = await snapshot(conn, None, story.now, SETTINGS.gap_after)

    everyone = {a for ids in story.accounts for a in ids}
    assert {a.account_id for a in shot.accounts} == everyone
    assert {s.account_id for s in shot.spells} == everyone - {story.never_read}
    assert [o.title for o in shot.orders] == ["Order 1", "Order 2"]
    assert {s.account_id for s in shot.signals} == {story.executive}
    assert [(x.name, x.size) for x in shot.lists] == [("Order 1 list", 12), ("Order 2 list", 20)]


async def test_a_list_that_is_no_longer_watched_is_neither_shown_nor_counted(
    pool: Pool, story: Story
) -> None:
    stopped = story.wave[0]
    async with transaction(pool) as conn:
        await conn.execute("update account set watched = false where account_id = $1", stopped)
        assert stopped not in {a.account_id for a in await accounts(conn)}
        assert (await kpis(conn, story.now, story.sweep)).watched == 31


async def test_lanes_and_changes_as_known_then_are_of_those_that_were_watched_then(
    pool: Pool, story: Story
) -> None:
    then = story.now
    async with transaction(pool) as conn:
        before = await spells(conn, None, None, then), await changes(conn, story.start, (), then)
        for account_id in story.wave[:3]:
            native_id = await conn.fetchval("select native_id from account where account_id = $1", account_id)
            await stop_watching(conn, X, native_id, then + HOUR, is_id=True)
        after = await spells(conn, None, None, then), await changes(conn, story.start, (), then)
        assert after == before
        assert len(await spells(conn, None, None, then + 2 * HOUR)) < len(before[0])


async def test_who_was_taken_off_his_last_list_is_watched_all_the_same(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        before = await kpis(conn, story.now, story.sweep)
        await conn.execute("delete from watch_list_member where account_id = any($1)", list(story.wave))
        assert set(story.wave) <= {a.account_id for a in await accounts(conn) if not a.list_ids}
        assert await kpis(conn, story.now, story.sweep) == before


async def test_the_outage_is_a_gap_of_every_account_and_single_missed_answers_are_none(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        shot = await snapshot(conn, None, story.now, SETTINGS.gap_after)

    silent = Gap(story.reading_before(story.outage[0]), story.reading_after(story.outage[0]))
    assert shot.coverage.outages == (silent,)
    for account in shot.accounts:
        if account.account_id == story.never_read:
            assert account.account_id not in shot.seen
        else:
            gaps = shot.seen[account.account_id].gaps
            assert len(gaps) == 1
            assert gaps[0].since <= silent.since
            assert gaps[0].until is not None
            assert silent.until is not None
            assert gaps[0].until >= silent.until


async def test_a_snapshot_that_begins_inside_the_outage_knows_the_reading_before_it(
    pool: Pool, story: Story
) -> None:
    inside = story.outage[0] + HOUR
    async with transaction(pool) as conn:
        shot = await snapshot(conn, inside, story.now, SETTINGS.gap_after)

    gaps = shot.seen[story.accounts[0][1]].gaps
    assert [g.since for g in gaps] == [story.reading_before(story.outage[0])]


async def test_provisional_and_unconfirmed_changes_are_told_and_confirmed_baselines_are_not(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        told = await changes(conn, story.start, ())

    assert {c.account_id for c in told if c.outcome is None} == set(story.provisional)
    assert {c.account_id for c in told if c.outcome == "not_confirmed"} == {story.not_confirmed}
    assert "baseline" not in {c.kind for c in told}
    waved = [c for c in told if c.account_id == story.wave[0]]
    assert [c.kind for c in waved[:2]] == ["block", "restoration"]
    assert [c.mail_id for c in waved[:2]] == story.mails[:2]


async def test_a_provisional_change_older_than_the_window_is_still_told(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        told = await changes(conn, story.now, ())

    assert {c.account_id for c in told} == set(story.provisional)


async def test_figures_are_counted_from_confirmed_spells(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        counts = await kpis(conn, story.now, story.sweep)
        current = [s for s in await spells(conn, None, None) if s.until is None]

    assert counts.watched == 32
    assert counts.withheld == sum(s.state.status is Status.WITHHELD for s in current)
    assert counts.withheld_by == (("IN", counts.withheld),)
    assert counts.suspended == sum(s.state.status is Status.SUSPENDED for s in current)
    assert counts.provisional == 2
    assert (counts.orders, counts.orders_overdue) == (2, 1)
    assert counts.restored == 0
    assert counts.last_restored_at is not None


async def test_who_was_not_read_in_two_sweeps_counts_as_not_checked_never_as_zero(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        fresh = await kpis(conn, story.now, story.sweep)
        later = await kpis(conn, story.now + 2 * HOUR, story.sweep)

    assert fresh.unread == 1
    assert later.unread == 32
    assert later.blocked_unread == later.withheld + later.suspended > 0


async def test_an_account_left_out_of_all_late_answers_is_not_checked(pool: Pool, story: Story) -> None:
    omitted = bytes([0b11111101, *[0xFF] * 12])
    async with transaction(pool) as conn:
        await conn.execute(
            "update coverage_row set lacked.answered = $1 where observed_at > $2",
            omitted,
            story.now - 2 * story.sweep,
        )
        assert (await kpis(conn, story.now, story.sweep)).unread == 2


async def test_news_since_an_event_holds_the_change_and_the_spells_it_made(pool: Pool, story: Story) -> None:
    quiet = story.accounts[1][-2]
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
        change_id = await happen(conn, story, quiet, SUSPENDED, story.now - HOUR)
        news = await news_since(conn, before, 100)

    assert news is not None
    assert news.live_event_id > before
    assert [(c.change_id, c.outcome) for c in news.changes] == [(change_id, "confirmed")]
    assert [(s.account_id, s.state) for s in news.spells] == [(quiet, AVAILABLE), (quiet, SUSPENDED)]


async def test_a_confirmed_baseline_is_news_because_it_opens_the_first_spell(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
        await happen(conn, story, story.never_read, AVAILABLE, story.now - HOUR)
        news = await news_since(conn, before, 100)

    assert news is not None
    assert [s.account_id for s in news.spells] == [story.never_read]


async def test_a_confirmation_is_news_of_the_same_change(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
        change_id = await conn.fetchval(
            "select change_id from pending_change where account_id = $1", story.provisional[0]
        )
        await confirm(conn, change_id, story.now)
        news = await news_since(conn, before, 100)

    assert news is not None
    assert news.topics == {"outcome"}
    assert [(c.change_id, c.outcome) for c in news.changes] == [(change_id, "confirmed")]


async def test_a_new_label_is_news_of_its_country_once(pool: Pool) -> None:
    async with transaction(pool) as conn:
        before = await last_event_id(conn)
    await store(pool, stated(), stated(POST), seq=1)
    async with transaction(pool) as conn:
        news = await news_since(conn, before, 1)
        assert news is not None
        assert (news.topics, news.labeled) == ({"label"}, ("TR",))
    await store(pool, stated(), seq=1)
    async with transaction(pool) as conn:
        assert await last_event_id(conn) == news.live_event_id


async def test_more_news_than_the_limit_asks_for_a_snapshot(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        assert await news_since(conn, 0, 3) is None
        latest = await last_event_id(conn)
        nothing = await news_since(conn, latest, 3)

    assert nothing is not None
    assert (nothing.live_event_id, nothing.changes) == (latest, ())


async def test_new_requests_name_the_accounts_that_gave_no_answer(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            "update coverage_row set lacked.answered = $1 where observed_at > $2",
            bytes([0b11111110, *[0xFF] * 12]),
            story.now - story.sweep,
        )
        requests = await requests_since(conn, story.now - 2 * story.sweep, story.now)

    assert [r.missing for r in requests] == [(), (story.accounts[0][0],)]
    assert [r.account_ids for r in requests] == [None, None]


async def test_one_account_tells_its_spells_its_changes_and_its_gap(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        one = await account_detail(conn, story.wave[0], story.now, SETTINGS.gap_after)
        nobody = await account_detail(conn, 10**9, story.now, SETTINGS.gap_after)

    assert nobody is None
    assert one is not None
    assert [s.state.status for s in one.spells[:3]] == ["available", "withheld", "available"]
    assert one.changes[-1].kind == "baseline"
    assert len(one.seen.gaps) == 1
    assert one.lists == ("Order 1 list",)


async def test_mails_are_listed_newest_first_with_their_state_and_can_be_read(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        lines = [d.mail for d in await deliveries(conn, DeliveryFilter(), 10)]
        opened = await mail(conn, story.mails[0])
        nothing = await mail(conn, 10**9)

    assert [line.mail_id for line in lines] == list(reversed(story.mails))
    assert [line.state for line in lines] == ["dead", "queued", "sent"]
    assert lines[-1].changes == len(story.wave)
    assert opened is not None
    assert "Between two readings" in opened.text_body
    assert nothing is None
