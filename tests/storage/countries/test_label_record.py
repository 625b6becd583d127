"""Labels are stored once however often they come, with the position; gaps are kept until they are filled."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.watching import stop_watching_many
from storage.countries.label_census import (
    LabelDay,
    LabeledSubject,
    LabelerStatus,
    LabelFilter,
    LabelHalfYear,
    LabelPosition,
    WithheldCounts,
    label_days,
    label_half_years,
    labeled_subjects,
    labelers,
    withheld_and_unwatched,
    withheld_by_labelers,
)
from storage.countries.label_record import (
    follow_labeler,
    note_gap,
    note_listed,
    note_unlisted,
)
from storage.model.core.labels import (
    LabelGap,
    SignedLabel,
)
from storage.model.orders.half_years import HalfYear
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purge_account
from tests.support.samples.label_signing import FORGED, LABELER, POST, SUBJECT, stated, store
from tests.support.samples.readings import T0, minutes


async def position(pool: Pool) -> int:
    async with transaction(pool) as conn:
        return (await follow_labeler(conn, LABELER, BLUESKY, "TR", ["!hide"], T0)).seq


async def status(pool: Pool) -> LabelerStatus:
    async with transaction(pool) as conn:
        (only,) = await labelers(conn, "TR")
    return only


async def test_forged_labels_are_counted_and_are_no_labels(pool: Pool) -> None:
    await store(pool, seq=7, refused=(FORGED,), at=minutes(1))
    await store(pool, seq=7, refused=(FORGED,), at=minutes(2))
    found = await status(pool)
    assert (found.refused, found.newest_refused_at) == (1, minutes(1))
    assert await pool.fetchval("select count(*) from label") == 0
    assert await position(pool) == 7


async def test_a_labeler_is_complete_after_its_whole_list_was_read_and_until_a_gap(pool: Pool) -> None:
    await store(pool, stated(), seq=7)
    assert not (await status(pool)).is_complete
    async with transaction(pool) as conn:
        await note_unlisted(conn, LABELER, "The list was refused.", minutes(1))
    assert (await status(pool)).unlisted_why == "The list was refused."
    async with transaction(pool) as conn:
        await note_listed(conn, LABELER, minutes(2))
    found = await status(pool)
    assert (found.is_complete, found.listed_at, found.unlisted_why) == (True, minutes(2), "")
    async with transaction(pool) as conn:
        await note_gap(conn, LABELER, LabelGap.OUTDATED_CURSOR, minutes(5))
    assert not (await status(pool)).is_complete


def related(labels: list[SignedLabel]) -> list[tuple[datetime, bool, bool, datetime | None]]:
    """Of each label about one subject, in the labeler's order: its time, whether it attaches the value anew,
    whether it withdraws what held, and when the next one was made.
    """
    found: list[tuple[datetime, bool, bool, datetime | None]] = []
    holds: datetime | bool | None = None  # until when the value is attached; None: nothing was said before
    for n, one in enumerate(labels):
        is_held = holds is True or (isinstance(holds, datetime) and holds > one.made_at)
        is_lifted = one.is_negated and (is_held or holds is None)
        next_at = labels[n + 1].made_at if n + 1 < len(labels) else None
        found.append((one.made_at, not one.is_negated and not is_held, is_lifted, next_at))
        holds = False if one.is_negated else one.expires_at or True
    return found


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[SignedLabel]]:
    """Labels about one subject, each at a time of its own, received in any order and in any batches."""
    labels = [
        stated(
            made_at=minutes(n),
            negated=draw(st.booleans()),
            expires_at=draw(st.none() | st.integers(n + 1, 12).map(minutes)),
        )
        for n in draw(st.sets(st.integers(0, 9), min_size=1, max_size=6))
    ]
    mixed = draw(st.permutations(labels))
    cut = draw(st.integers(0, len(mixed)))
    return [batch for batch in (mixed[:cut], mixed[cut:]) if batch]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=arrivals())
async def test_what_a_label_began_and_ended_does_not_depend_on_the_order_of_arrival(
    pool: Pool, batches: list[list[SignedLabel]]
) -> None:
    await pool.execute("delete from label")
    for batch in batches:
        await store(pool, *batch)
    rows = await pool.fetch("select made_at, is_added, is_lifted, replaced_at from label order by made_at")
    labels = sorted((one for batch in batches for one in batch), key=lambda one: one.made_at)
    assert [tuple(row) for row in rows] == related(labels)


DAY = timedelta(days=1)
LATE = T0 + 30 * DAY
FIRST = T0.date()
IN_TR = LabelFilter("TR")
AUTHOR = "did:plc:author22222222222222222"


async def counts(pool: Pool) -> WithheldCounts:
    async with transaction(pool) as conn:
        return await withheld_by_labelers(conn, "TR", LATE)


async def listed(
    pool: Pool, wanted: LabelFilter = IN_TR, after: LabelPosition | None = None, limit: int = 99
) -> list[LabeledSubject]:
    async with transaction(pool) as conn:
        return await labeled_subjects(conn, wanted, after, limit, LATE)


async def days(pool: Pool, since: date = FIRST) -> list[LabelDay]:
    async with transaction(pool) as conn:
        return await label_days(conn, "TR", since, LATE)


async def test_a_value_that_withholds_nothing_is_not_counted(pool: Pool) -> None:
    await store(pool, stated(value="rude"))
    assert await counts(pool) == WithheldCounts(0, 0, 0, 0)
    assert await listed(pool) == []


async def test_of_a_withdrawal_alone_the_beginning_is_not_known(pool: Pool) -> None:
    await store(pool, stated(negated=True))
    (only,) = await listed(pool)
    assert (only.since, only.lifted_at) == (None, T0)


async def test_a_label_that_was_replaced_before_it_expired_did_not_expire(pool: Pool) -> None:
    await store(pool, stated(expires_at=T0 + 2 * DAY), stated(made_at=T0 + DAY))
    assert await days(pool) == [LabelDay(T0.date(), 1, 0)]
    assert await counts(pool) == WithheldCounts(1, 0, 0, 1)


async def test_half_years_count_what_began_and_ended_of_accounts_and_of_posts(pool: Pool) -> None:
    summer, autumn = datetime(2020, 6, 30, 23, 59, tzinfo=UTC), datetime(2020, 7, 1, tzinfo=UTC)
    await store(
        pool,
        stated(made_at=summer, expires_at=autumn),
        stated(POST, made_at=summer),
        stated(POST, made_at=autumn),
        stated(POST, made_at=T0, negated=True),
        stated(f"{POST}b", made_at=T0, expires_at=LATE + DAY),
        stated(f"{POST}c", made_at=T0, value="rude"),
    )
    async with transaction(pool) as conn:
        assert await label_half_years(conn, "DE", LATE) == []
        assert await label_half_years(conn, "TR", LATE) == [
            LabelHalfYear(HalfYear(2021, 1), 0, 0, 1, 1),
            LabelHalfYear(HalfYear(2020, 2), 0, 1, 0, 0),
            LabelHalfYear(HalfYear(2020, 1), 1, 0, 1, 0),
        ]


async def test_the_rest_to_watch_is_what_is_withheld_and_nobody_watches_or_purged(pool: Pool) -> None:
    watched, purged, stored, lifted, expired = SUBJECT, f"{POST}p", f"{POST}s", f"{POST}l", f"{POST}e"
    await store(
        pool,
        stated(watched),
        stated(purged),
        stated(stored, T0 + DAY),
        stated(lifted, negated=True),
        stated(expired, expires_at=T0 + DAY),
        stated(POST, T0 + 2 * DAY),
        # The same subject under two values is one.
        stated(POST, T0 + 3 * DAY, value="!takedown"),
        stated(f"{POST}x", value="rude"),
        # Of an author who was purged, also what was never stored.
        stated(f"{POST.replace(SUBJECT, AUTHOR)}"),
    )
    async with transaction(pool) as conn:
        new = [NewAccount(BLUESKY, one, "somebody.test") for one in (watched, purged, stored, AUTHOR)]
        await add_accounts(conn, new, T0)
        ids = {r["native_id"]: r["account_id"] for r in await conn.fetch("select * from account")}
        await purge_account(conn, ids[purged], T0)
        await purge_account(conn, ids[AUTHOR], T0)
        await stop_watching_many(conn, [ids[stored]], "Asha", T0)
        assert (await withheld_by_labelers(conn, "TR", LATE)).unwatched == 2
        assert await withheld_and_unwatched(conn, "TR", 99, LATE) == [(BLUESKY, POST), (BLUESKY, stored)]
        assert await withheld_and_unwatched(conn, "TR", 1, LATE) == [(BLUESKY, POST)]
        assert await withheld_and_unwatched(conn, "DE", 99, LATE) == []
