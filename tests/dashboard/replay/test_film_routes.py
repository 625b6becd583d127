"""The replay film over HTTP: whole or in part, packed, and refused in one sentence."""

import aiohttp

from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.film_in_node import film_at, needs_node
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.servers.dashboard import served


@needs_node
async def test_a_film_has_what_happened_since_it_was_packed(pool: Pool, dsn: str, story: Story) -> None:
    blocked = "[state.counts.S, state.accounts.length]"
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}/api/replay") as answer:
            before = await answer.read()
        async with transaction(pool) as conn:
            await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
        async with session.get(f"{base}/api/replay", headers={"accept-encoding": "identity"}) as answer:
            assert "content-encoding" not in answer.headers
            after = await answer.read()
        async with session.get(f"{base}/api/replay?list={story.lists[1]}") as answer:
            part = await answer.read()

    ((n, accounts),) = film_at(before, [(story.now, None)], blocked)
    assert film_at(after, [(story.now, None)], blocked) == [[n + 1, accounts]]
    assert film_at(part, [(story.now, None)], blocked)[0][1] == len(story.accounts[1])
