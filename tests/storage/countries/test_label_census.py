"""What a labeler withholds, since when, and what was lifted: by the newest label about each subject."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

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
from storage.model.core.labels import LabeledKind
from storage.model.orders.half_years import HalfYear
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purge_account
from tests.support.samples.label_signing import POST, SUBJECT, stated, store
from tests.support.samples.readings import T0, minutes

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


async def test_accounts_and_posts_are_counted_apart_and_once_each(pool: Pool) -> None:
    await store(pool, stated(), stated(value="!takedown"), stated(POST), stated(f"{POST}b"))
    assert await counts(pool) == WithheldCounts(1, 2, 0, 3)


async def test_a_value_that_withholds_nothing_is_not_counted(pool: Pool) -> None:
    await store(pool, stated(value="rude"))
    assert await counts(pool) == WithheldCounts(0, 0, 0, 0)
    assert await listed(pool) == []


async def test_another_country_has_labelers_of_its_own(pool: Pool) -> None:
    await store(pool, stated())
    async with transaction(pool) as conn:
        assert await withheld_by_labelers(conn, "DE", LATE) == WithheldCounts(0, 0, 0, 0)


async def test_the_newest_label_holds_whichever_came_first(pool: Pool) -> None:
    await store(pool, stated(made_at=T0 + DAY, negated=True))
    await store(pool, stated())
    assert await counts(pool) == WithheldCounts(0, 0, 0, 0)
    (only,) = await listed(pool)
    assert (only.since, only.lifted_at) == (T0, T0 + DAY)


async def test_a_label_ends_by_itself_when_it_expires(pool: Pool) -> None:
    await store(pool, stated(expires_at=T0 + DAY), stated(POST, expires_at=LATE + DAY))
    assert await counts(pool) == WithheldCounts(0, 1, 0, 1)
    assert {one.subject: one.lifted_at for one in await listed(pool)} == {SUBJECT: T0 + DAY, POST: None}


async def test_a_label_that_is_made_again_goes_on_and_after_a_withdrawal_begins_again(pool: Pool) -> None:
    await store(pool, stated(), stated(made_at=T0 + DAY), stated(POST))
    await store(pool, stated(POST, T0 + DAY, negated=True), stated(POST, T0 + 2 * DAY))
    assert {one.subject: one.since for one in await listed(pool)} == {SUBJECT: T0, POST: T0 + 2 * DAY}


async def test_a_label_that_is_made_again_after_its_expiry_begins_again(pool: Pool) -> None:
    await store(pool, stated(expires_at=T0 + DAY), stated(made_at=T0 + 3 * DAY))
    (only,) = await listed(pool)
    assert only.since == T0 + 3 * DAY


async def test_of_a_withdrawal_alone_the_beginning_is_not_known(pool: Pool) -> None:
    await store(pool, stated(negated=True))
    (only,) = await listed(pool)
    assert (only.since, only.lifted_at) == (None, T0)


async def test_days_count_what_began_and_what_ceased(pool: Pool) -> None:
    await store(pool, stated(), stated(made_at=T0 + DAY), stated(POST, T0 + DAY, expires_at=T0 + 3 * DAY))
    await store(pool, stated(made_at=T0 + 3 * DAY, negated=True), stated(f"{POST}b", T0 + DAY, negated=True))
    await store(pool, stated(made_at=T0 + 4 * DAY, negated=True))
    day = T0.date()
    assert await days(pool) == [
        LabelDay(day, 1, 0),
        LabelDay(day + DAY, 1, 1),
        LabelDay(day + 3 * DAY, 0, 2),
    ]


async def test_days_before_the_first_that_is_wanted_are_left_out_and_go_on_holding(pool: Pool) -> None:
    await store(pool, stated(), stated(made_at=T0 + DAY), stated(POST, T0 + 2 * DAY))
    assert await days(pool, T0.date() + DAY) == [LabelDay(T0.date() + 2 * DAY, 1, 0)]


async def test_a_label_that_was_replaced_before_it_expired_did_not_expire(pool: Pool) -> None:
    await store(pool, stated(expires_at=T0 + 2 * DAY), stated(made_at=T0 + DAY))
    assert await days(pool) == [LabelDay(T0.date(), 1, 0)]
    assert await counts(pool) == WithheldCounts(1, 0, 0, 1)


async def test_subjects_are_known_as_accounts_where_they_are_watched(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], T0)
    await store(pool, stated(), stated(POST), at=minutes(5))
    by_subject = {one.subject: one for one in await listed(pool)}
    assert (by_subject[SUBJECT].handle, by_subject[SUBJECT].is_watched) == ("somebody.test", True)
    assert (by_subject[POST].account_id, by_subject[POST].handle, by_subject[POST].is_watched) == (
        None,
        None,
        False,
    )
    assert by_subject[POST].first_received_at == minutes(5)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LabelFilter(), {SUBJECT, POST, f"{POST}b"}),
        (LabelFilter("TR"), {SUBJECT, POST, f"{POST}b"}),
        (LabelFilter("DE"), set[str]()),
        (LabelFilter(kind=LabeledKind.ACCOUNT), {SUBJECT}),
        (LabelFilter(kind=LabeledKind.POST, is_lifted=False), {POST}),
        (LabelFilter(is_watched=True), {SUBJECT}),
        (LabelFilter(is_watched=False), {POST, f"{POST}b"}),
        (LabelFilter(is_lifted=True), {f"{POST}b"}),
    ],
)
async def test_a_filter_shows_its_subjects(pool: Pool, wanted: LabelFilter, expected: set[str]) -> None:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, SUBJECT, "somebody.test")], T0)
    await store(pool, stated(), stated(POST), stated(f"{POST}b", negated=True))
    assert {one.subject for one in await listed(pool, wanted)} == expected


async def test_pages_show_every_subject_once_though_their_times_are_equal(pool: Pool) -> None:
    subjects = [f"{POST}{n}" for n in range(7)]
    await store(pool, *(stated(one) for one in subjects), stated(made_at=T0 + DAY))
    found: list[str] = []
    after: LabelPosition | None = None
    while page := await listed(pool, after=after, limit=3):
        found += [one.subject for one in page]
        last = page[-1]
        after = LabelPosition(last.stated_at, last.label_id)
    assert found[0] == SUBJECT
    assert sorted(found) == sorted([SUBJECT, *subjects])


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


async def test_labeled_again_is_what_was_lifted_and_attached_once_more(pool: Pool) -> None:
    again, lifted_twice, replaced, unseen = POST, f"{POST}b", f"{POST}c", f"{POST}d"
    await store(
        pool,
        stated(SUBJECT, T0),
        *(stated(again, T0 + n * DAY, negated=n == 1) for n in range(3)),
        *(stated(lifted_twice, T0 + n * DAY, negated=n % 2 == 1) for n in range(4)),
        # Of the first time only the end was received.
        *(stated(unseen, T0 + n * DAY, negated=n == 0) for n in range(2)),
        # A label that replaces one that holds attaches nothing new.
        *(stated(replaced, T0 + n * DAY) for n in range(3)),
    )
    only = LabelFilter(is_relabeled=True)
    assert {one.subject for one in await listed(pool, only)} == {again, lifted_twice, unseen}
    assert {one.subject for one in await listed(pool, replace(only, is_lifted=True))} == {lifted_twice}
    others = {one.subject for one in await listed(pool, LabelFilter(is_relabeled=False))}
    assert others == {SUBJECT, replaced}


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
