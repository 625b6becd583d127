"""A whole purge leaves a number that names nobody; the chain tells it from a break."""

from collectors.mastodon.declaration import MASTODON
from storage.postgres.pool import Conn, Pool, transaction
from storage.purge.purge import Purged, purge_account, purges
from tests.storage.purge.test_purge import story
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import enlist


async def whole(conn: Conn, account_id: int, reason: str = "") -> Purged:
    return await purge_account(conn, account_id, minutes(60), whole=True, reason=reason)


async def test_a_second_whole_purge_finds_nothing_and_both_are_on_record_with_their_reasons(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        one, _ = await story(conn)
        await whole(conn, one.account_id, "asked for by the person, ticket 12")
        again = await whole(conn, one.account_id, "once more")
        log = await purges(conn)
    assert (again.changes, again.evidence, again.handles, again.facts, again.mails) == (0, 0, 0, 0, 0)
    assert [(p.whole, p.changes, p.reason, p.native_id) for p in log] == [
        (True, 0, "once more", f"purged-{one.account_id}"),
        (True, 3, "asked for by the person, ticket 12", f"purged-{one.account_id}"),
    ]


async def test_others_who_moved_to_it_no_longer_say_so(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, MASTODON, ["a", "b"])
        await conn.execute(
            """
            insert into fact (account_id, kind, value, first_seen, recorded_at)
            values ($1, 'moved_to', 'ha', $2, $2)
            """,
            two.account_id,
            minutes(1),
        )
        await whole(conn, one.account_id)
        assert await conn.fetchval("select count(*) from fact") == 0
