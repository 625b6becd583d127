"""What a labeler withholds, since when, and what was lifted: by the newest label about each subject."""

from datetime import UTC, date, datetime, timedelta

from collectors.bluesky.declaration import BLUESKY
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.watching import stop_watching_many
from storage.countries.label_census import (
    LabelDay,
    LabeledSubject,
    LabelFilter,
    LabelHalfYear,
    LabelPosition,
    WithheldCounts,
    label_days,
    label_half_years,
    labeled_subjects,
    withheld_and_unwatched,
    withheld_by_labelers,
)
from storage.model.orders.half_years import HalfYear
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purge_account
from tests.support.samples.label_signing import POST, SUBJECT, stated, store
from tests.support.samples.readings import T0

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
