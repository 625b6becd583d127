"""Read models of the dashboard, over a small story in a real database."""

from storage.live.snapshot import last_event_id
from storage.live.updates import news_since
from storage.postgres.pool import Pool, transaction
from tests.support.samples.label_signing import POST, stated, store
from tests.support.seeds.changes import Story


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
