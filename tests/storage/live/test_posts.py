"""Posts are counted with the accounts, and each figure says how many of them are in it."""

from dataclasses import astuple, replace

from storage.health.status import standing
from storage.health.status_at import status_at
from storage.live.accounts_table import accounts_shot
from storage.live.board_accounts import accounts_watched
from storage.live.first_readings import first_readings
from storage.live.kpis import Kpis, PostKpis, kpis
from storage.live.lists_and_executives import lists
from storage.live.snapshot import accounts
from storage.postgres.pool import Pool, transaction
from storage.replay.film import film_accounts
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import DAY, HOUR, Story
from tests.support.seeds.posts import seed_posts, turn_into_posts

NO_POSTS = PostKpis()


def of_all(counts: Kpis) -> PostKpis:
    """The figures that say of posts how many there are, of all accounts."""
    return PostKpis(
        watched=counts.watched,
        blocked=counts.withheld + counts.suspended,
        new_blocks=counts.new_blocks,
        restored=counts.restored,
        provisional=counts.provisional,
        unread=counts.unread,
    )


async def test_the_figures_stay_the_same_and_say_how_many_posts_are_in_them(pool: Pool, story: Story) -> None:
    moments = [story.now, story.now + 2 * HOUR, story.now - 3 * DAY]
    everyone = [i for ids in story.accounts for i in ids]
    async with transaction(pool) as conn:
        before = [await kpis(conn, at, story.sweep) for at in moments]
        await turn_into_posts(conn, everyone[::3])
        some = [await kpis(conn, at, story.sweep) for at in moments]
        await turn_into_posts(conn, [a.account_id for a in await accounts(conn)])
        whole = [await kpis(conn, at, story.sweep) for at in moments]
    assert [one.posts for one in before] == [NO_POSTS] * 3
    assert [replace(one, posts=NO_POSTS) for one in (*some, *whole)] == [*before, *before]
    assert [one.posts for one in whole] == [of_all(one) for one in before]
    for few, all_of_them in zip(some, whole, strict=True):
        assert all(n <= most for n, most in zip(astuple(few.posts), astuple(all_of_them.posts), strict=True))
    assert some[0].posts.watched == len(everyone[::3])
    assert 0 < some[0].posts.blocked < whole[0].posts.blocked


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


async def test_the_status_counts_the_posts_that_are_watched_now_or_were_then(
    pool: Pool, story: Story
) -> None:
    posts = story.accounts[1][::2]
    async with transaction(pool) as conn:
        await turn_into_posts(conn, posts)
        now = await standing(conn, story.now, story.sweep)
        then = await status_at(conn, story.now, None, story.sweep)
        everyone = [a.account_id for a in await accounts(conn)]
        await turn_into_posts(conn, everyone)
        nothing_else = await standing(conn, story.now, story.sweep)
    assert [s.late_posts for s in nothing_else.states] == [s.late for s in nothing_else.states]
    assert sum(s.late for s in nothing_else.states) > 0
    assert sum(s.late_posts for s in then.states) == sum(s.late_posts for s in now.states)
    assert now.watched_posts == then.watched_posts == len(posts) < now.watched
    assert {s.state: s.posts for s in now.states if s.posts} == {
        s.state: s.posts for s in then.states if s.posts
    }


async def test_a_first_run_says_how_many_of_what_is_watched_are_posts(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await seed_posts(conn)
        found = await first_readings(conn, minutes(600))
    assert (found.watched, found.watched_posts) == (9, 6)
