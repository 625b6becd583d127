"""Posts are counted with the accounts, and each figure says how many of them are in it."""

from storage.live.accounts_table import accounts_shot
from storage.live.board_accounts import accounts_watched
from storage.live.first_readings import first_readings
from storage.live.lists_and_executives import lists
from storage.live.snapshot import accounts
from storage.postgres.pool import Pool, transaction
from storage.replay.film import film_accounts
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import Story
from tests.support.seeds.posts import seed_posts, turn_into_posts


async def test_every_read_model_of_live_and_of_the_film_knows_which_are_posts(
    pool: Pool, story: Story
) -> None:
    posts = frozenset(story.accounts[0][::2])
    async with transaction(pool) as conn:
        await turn_into_posts(conn, posts)
        everyone = [a.account_id for a in await accounts(conn)]
        shot = await accounts_shot(conn, everyone, story.start, story.now, 2 * story.sweep)
        found = {
            "live": await accounts(conn),
            "behind a figure": await accounts_watched(conn, story.now, controls=False),
            "the table": shot.accounts,
            "the film": await film_accounts(conn, None),
        }
        sizes = [(one.size, one.posts) for one in await lists(conn)]
    for name, rows in found.items():
        assert {row.account_id for row in rows if row.is_post} == posts, name
    assert sizes == [(len(story.accounts[0]), len(posts)), (len(story.accounts[1]), 0)]


async def test_a_first_run_says_how_many_of_what_is_watched_are_posts(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        found = await first_readings(conn, minutes(600))
    assert (found.watched, found.watched_posts) == (9, 6)
