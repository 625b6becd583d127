"""Readings that come in late: the database tells in the end what it would tell had they come in order."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from storage.changes.rebuild import rebuild
from storage.model.alerts.rules import AlertRule
from storage.model.core.availability import State
from storage.postgres.pool import Pool, StorageError, open_pool, transaction
from storage.readings.evidence import load
from storage.readings.last_reading import last_confirmed
from tests.support.pipelines.late_batches import LATENCY_MS, Delivery, Desk, Record, Sent
from tests.support.repeats import repeats as often
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND

ROSTERS = (("1", "2", "3"), ("1", "2"), ("3",))
LOOKS = st.sampled_from([A, A, A, W, W, S, N, N, None])
STORIES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 5, 16, 61, 300]),
        st.sampled_from(ROSTERS),
        st.tuples(LOOKS, LOOKS, LOOKS),
        st.sampled_from([LATENCY_MS, LATENCY_MS, LATENCY_MS, 150_000, 1_200_000]),
    ),
    min_size=1,
    max_size=12,
)
RECORDS = st.lists(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([A, W, S])), max_size=4), max_size=2
)


Drawn = list[tuple[int, tuple[str, ...], tuple[State | None, ...], int]]


def story_of(drawn: Drawn) -> list[Sent]:
    """Answers in the order of their arrival: some of one instant, some asked for before others arrived."""
    minute, out = 0, list[Sent]()
    for n, (gap, roster, looks, latency_ms) in enumerate(drawn):
        minute += gap
        out.append(Sent(minute, dict(zip(roster, looks, strict=False)), latency_ms, n))
    return out


def records_of(drawn: list[list[tuple[int, State]]]) -> list[Record]:
    """Looks of somebody else, half a minute beside ours."""
    return [
        Record(
            f"record {n}",
            "1",
            [(m + 0.5 + n / 8, s) for m, s in sorted(dict(looks).items(), key=lambda look: look[0])],
        )
        for n, looks in enumerate(drawn)
        if looks
    ]


@pytest.mark.slow
@pytest.mark.again
@settings(
    max_examples=often(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=STORIES, records=RECORDS, order=st.randoms(use_true_random=False), repeats=st.integers(0, 3))
async def test_the_truth_is_the_same_in_every_order_of_arrival(
    fresh_database: Callable[[], AbstractContextManager[str]],
    drawn: Drawn,
    records: list[list[tuple[int, State]]],
    order: random.Random,
    repeats: int,
) -> None:
    story = story_of(drawn)
    arriving: list[Delivery] = [*story, *story[:repeats], *records_of(records)]
    order.shuffle(arriving)
    with fresh_database() as late, fresh_database() as ordered:
        async with open_pool(late) as here, open_pool(ordered) as there:
            shuffled, sorted_ = Desk(here), Desk(there)
            for desk, deliveries in (shuffled, arriving), (sorted_, [*story, *records_of(records)]):
                await desk.enlist("1", "2", "3")
                for delivery in deliveries:
                    await desk.take(delivery)
            assert await shuffled.truth() == await sorted_.truth()
            for desk in (shuffled, sorted_):
                async with transaction(desk.pool) as conn:
                    assert not (await rebuild(conn)).differs
            for desk in (shuffled, sorted_):
                for native_id in desk.ids:
                    assert sorted(await desk.readings(native_id), key=lambda r: r[:2]) == given_of(
                        story, native_id
                    )


def given_of(story: list[Sent], native_id: str) -> list[tuple[datetime, datetime, State]]:
    """Of several at one instant, all show what the one showed that counts."""
    seen = [(s.at, s.asked_at, state) for s in story if (state := s.looks.get(native_id)) is not None]
    counts = {at: state for at, _, state in sorted(seen, key=_rank, reverse=True)}
    return sorted(((at, asked_at, counts[at]) for at, asked_at, _ in seen), key=lambda r: r[:2])


def _rank(seen: tuple[datetime, datetime, State]) -> tuple[datetime, datetime, str]:
    at, asked_at, state = seen
    return at, asked_at, " ".join((state.status.value, *state.withheld_in))


# rows ----------------------------------------------------------------------------------------------------

ALERTS = """
    select c.status, c.first_seen_new, al.decision from alert al join change c using (change_id)
    order by al.alert_id
"""
BLOCK = [Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": W})]


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    desk = Desk(pool)
    await desk.enlist("1", "2", "3")
    return desk


async def after(desk: Desk, *story: Sent) -> Desk:
    for sent in story:
        await desk.take(sent)
    return desk


async def standing(desk: Desk) -> list[tuple[object, ...]]:
    """The changes of the first account that stand, its first state left out."""
    return await desk.rows(
        """
        select c.status, c.last_seen_old, c.first_seen_new, o.outcome, o.reason, c.supersedes is not null
        from standing_change c join account a using (account_id) left join change_outcome o using (change_id)
        where a.native_id = '1' and c.kind <> 'baseline' order by c.first_seen_new
        """
    )


def asked(minute: float) -> datetime:
    return minutes(minute) - timedelta(milliseconds=LATENCY_MS)


async def test_an_answer_without_an_account_does_not_hide_another_of_the_same_moment(desk: Desk) -> None:
    """The search for the last answer about an account began before the newest answer of its roster."""
    await desk.take(Sent(0, {"1": A, "2": A}))
    await desk.take(Sent(1, {"1": A, "2": A}))
    await desk.take(Sent(1, {"1": None, "2": A}, latency_ms=150_000, attempt=1))
    await desk.take(Sent(2, {"1": W, "2": A}))
    async with transaction(desk.pool) as conn:
        seen = await conn.fetchval("select last_seen_old from change where kind = 'block'")
        confirmed = await last_confirmed(conn, [*desk.ids.values()], minutes(1))
    assert seen == Sent(1, {}).asked_at
    assert set(confirmed.values()) == {minutes(1)}


async def test_a_late_reading_of_the_old_state_makes_the_interval_narrower(desk: Desk) -> None:
    await after(desk, *BLOCK, Sent(5, {"1": A}))

    assert await standing(desk) == [("withheld", asked(5), minutes(10), "confirmed", "enough_strong", True)]
    assert await desk.rows(ALERTS) == [
        ("withheld", minutes(10), "corrected"),
        ("withheld", minutes(10), None),
    ]
    told = await desk.rows("select onset_after from spell where upper_inf(valid) and upper_inf(recorded)")
    assert told == [(asked(5),)]


async def test_a_late_reading_of_the_new_state_moves_the_change_and_its_alert(desk: Desk) -> None:
    await after(desk, *BLOCK, Sent(5, {"1": W}))

    assert await standing(desk) == [("withheld", asked(0), minutes(5), "confirmed", "enough_strong", True)]
    assert await desk.rows(ALERTS) == [("withheld", minutes(10), "corrected"), ("withheld", minutes(5), None)]


async def test_a_late_contradicting_reading_annuls_a_block_and_its_alert(desk: Desk) -> None:
    await after(desk, *BLOCK, Sent(14, {"1": A}))

    assert await standing(desk) == [
        ("withheld", asked(0), minutes(10), "not_confirmed", "went_back", True),
        ("withheld", asked(0), minutes(20), None, None, False),
    ]
    assert await desk.rows(ALERTS) == [("withheld", minutes(10), "corrected")]
    assert (await desk.truth())["pending"][0][3:6] == (asked(0), minutes(20), 1)


async def test_a_change_that_no_reading_supports_is_annulled(desk: Desk) -> None:
    """It had been suspended before: the readings that seemed to show it anew only agreed."""
    late = [Sent(1, {"1": S}), Sent(3, {"1": S}), Sent(5, {"1": S})]
    await after(desk, Sent(0, {"1": A}), Sent(10, {"1": W}), Sent(20, {"1": S}), Sent(22, {"1": S}), *late)
    assert (await standing(desk))[0][:3] == ("suspended", asked(0), minutes(1))

    await after(desk, Sent(0.5, {"1": W}), Sent(2, {"1": W}))
    story = [Sent(0, {"1": A}), Sent(0.5, {"1": W}), late[0], Sent(2, {"1": W}), *late[1:]]
    assert [r for r in await standing(desk) if r[4] == "corrected"]
    assert await desk.readings("1") == given_of(
        [*story, Sent(10, {"1": W}), Sent(20, {"1": S}), Sent(22, {"1": S})], "1"
    )


async def mailed(desk: Desk, at: float) -> list[str]:
    """The subjects of all mails, once a notifier has looked."""
    await decide_alerts(desk.pool, minutes(at), Letterhead())
    return [r["subject"] for r in await desk.pool.fetch("select subject from mail order by mail_id")]


async def test_recipients_of_an_annulled_change_are_notified_of_it_and_of_the_corrected_one(
    desk: Desk,
) -> None:
    await tell_by(desk.pool, AlertRule(("desk@example.org",)))
    await after(desk, *BLOCK)
    assert len(await mailed(desk, 21)) == 1
    await after(desk, Sent(14, {"1": A}))
    assert (await standing(desk))[0][3] == "not_confirmed"
    assert (await mailed(desk, 60_000))[1].startswith("Taken back: ")
    await after(desk, Sent(12, {"1": W}))
    assert (await standing(desk))[0][2:4] == (minutes(10), "confirmed")
    assert len(await mailed(desk, 70_000)) == 3


async def test_recipients_of_a_change_that_moved_and_was_then_annulled_are_notified(desk: Desk) -> None:
    await tell_by(desk.pool, AlertRule(("desk@example.org",)))
    await after(desk, *BLOCK)
    assert len(await mailed(desk, 21)) == 1
    await after(desk, Sent(5, {"1": W}))
    assert (await standing(desk))[0][2:4] == (minutes(5), "confirmed")
    assert len(await mailed(desk, 22)) == 1
    await after(desk, Sent(7, {"1": A}), Sent(14, {"1": A}))
    assert "confirmed" not in {r[3] for r in await standing(desk)}
    assert [s.partition(":")[0] for s in (await mailed(desk, 60_000))[1:]] == ["Taken back"]


async def test_a_change_annulled_and_restored_before_the_notifier_ran_is_sent_once(
    desk: Desk,
) -> None:
    await tell_by(desk.pool, AlertRule(("desk@example.org",)))
    await after(desk, *BLOCK)
    assert len(await mailed(desk, 21)) == 1
    await after(desk, Sent(14, {"1": A}))
    await after(desk, Sent(12, {"1": W}))
    assert len(await mailed(desk, 70_000)) == 1
    assert await desk.rows("select count(*) from alert where decided_at is null") == [(0,)]


async def test_a_late_confirmation_on_a_list_saves_another_account_a_weak_reading(
    desk: Desk,
) -> None:
    both = [Sent(0, {"1": A, "2": A}), *(Sent(m, {"1": N}) for m in (10, 12, 30))]
    await after(desk, *both)
    assert (await standing(desk))[0][3] is None
    await after(desk, Sent(5, {"2": W}), Sent(7, {"2": W}))

    assert (await standing(desk))[0][3:5] == ("confirmed", "cohort_active")
    assert (await desk.truth())["pending"] == []


async def test_a_batch_that_is_delivered_again_stores_nothing(desk: Desk) -> None:
    late = Sent(14, {"1": A})
    await after(desk, *BLOCK, late)
    before = await desk.rows("select * from change union all select * from change order by 1")

    assert not (await desk.late(late)).stored
    assert await desk.rows("select * from change union all select * from change order by 1") == before


async def test_a_batch_in_order_does_the_same_either_way(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> None:
    story = [*BLOCK, Sent(30, {"1": N, "2": S}), Sent(32, {"1": N}), Sent(34, {"1": A}), Sent(36, {"2": S})]
    truths: list[object] = []
    for usual in (True, False):
        with fresh_database() as dsn:
            async with open_pool(dsn) as pool:
                desk = Desk(pool)
                await desk.enlist("1", "2")
                for sent in story:
                    desk.now = sent.at
                    await (desk.record(sent) if usual else desk.late(sent))
                truths.append((await desk.truth(), await desk.rows(ALERTS)))
    assert truths[0] == truths[1]


async def test_what_was_known_before_a_late_reading_stays_as_it_was_known(desk: Desk) -> None:
    await after(desk, *BLOCK)
    known_at = desk.now
    believed = """
        select status, valid, onset_after from spell where recorded @> $1::timestamptz order by valid
    """
    before = [tuple(r) for r in await desk.pool.fetch(believed, known_at)]
    await after(desk, Sent(5, {"1": W}), Sent(14, {"1": A}))

    assert [tuple(r) for r in await desk.pool.fetch(believed, known_at)] == before
    assert len(before) == 2


async def test_the_late_answer_is_kept_with_the_change_that_it_showed_first(desk: Desk) -> None:
    await after(desk, *BLOCK)
    await desk.late(Sent(5, {"1": W}), {desk.ids["1"]: b"withheld, it says"})
    async with transaction(desk.pool) as conn:
        sha256 = await conn.fetchval(
            "select new_evidence from standing_change where first_seen_new = $1", minutes(5)
        )
        assert await load(conn, sha256) == b"withheld, it says"


async def test_a_provisional_change_keeps_its_progress(desk: Desk) -> None:
    await after(desk, Sent(0, {"1": A}), Sent(10, {"1": N}), Sent(12, {"1": N}), Sent(11, {"1": N}))
    steps = await desk.rows("select agreeing, last_agreeing_at from pending_step order by recorded_at")
    assert steps == [(2, minutes(12))]
    for command in (
        "update pending_step set agreeing = 9",
        "delete from pending_step",
        "truncate pending_step",
    ):
        with pytest.raises(StorageError, match="append-only"):
            async with transaction(desk.pool) as conn:
                await conn.execute(command)


async def test_readings_of_accounts_that_did_not_answer_are_refused(desk: Desk) -> None:
    await after(desk, *BLOCK)
    with pytest.raises(ValueError, match="0 readings, but 1 accounts"):
        await desk.late(Sent(5, {"1": A}), readings={})
    assert await desk.pool.fetchval("select count(*) from coverage") == len(BLOCK)
