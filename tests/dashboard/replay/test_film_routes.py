"""The replay film over HTTP: whole or in part, packed, and refused in one sentence."""

from dataclasses import asdict

import aiohttp

from storage.live.kpis import kpis
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.film_in_node import film_at, needs_node
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.seeds.posts import turn_into_posts
from tests.support.servers.dashboard import SETTINGS, served


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


@needs_node
async def test_a_film_counts_the_posts_that_the_tiles_of_live_count(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        await turn_into_posts(conn, [*story.accounts[0][::2], *story.accounts[1][::3]])
        counts = await kpis(conn, story.now, SETTINGS.sweep_every)
    async with (
        served(pool, dsn, story.now) as base,
        aiohttp.ClientSession() as session,
        session.get(f"{base}/api/replay") as answer,
    ):
        film = await answer.read()
    (told,) = film_at(film, [(story.now, None)], "state.kpis.posts")
    assert told == asdict(counts.posts)
    assert min(counts.posts.watched, counts.posts.blocked) > 0
