"""What a story tells of its moments is what Replay tells of them, and is not changed by what comes later."""

from datetime import timedelta

import pytest

from storage.health.status_at import PastStatus, status_at
from storage.model.core.availability import Status
from storage.model.stories.figures import MomentFigures, StoryFacts, changes_between, density, figures_at
from storage.model.stories.lanes import lanes_at, shares, unchecked_share
from storage.model.stories.stories import StoryHead, View, WrittenStory
from storage.model.text.time_bins import TimeBins
from storage.postgres.pool import Pool, transaction
from storage.stories.stories import add_caption, write_story
from storage.stories.story_facts import story_facts
from tests.storage.health.test_status_at import EVERY, played
from tests.support.pipelines.late_batches import LATENCY_MS, Desk, Sent
from tests.support.samples.readings import AVAILABLE, WITHHELD_IN, minutes

LATE = 2 * EVERY
MOMENTS = (-1, 6, 12, 15, 21, 55, 61, 75, 99)
NOW = minutes(50_000)
ASKED = timedelta(milliseconds=LATENCY_MS)
"""A reading tells of no moment before it was asked for."""


async def told(
    pool: Pool, view: View, known: float | None = None, moments: tuple[float, ...] = MOMENTS
) -> tuple[WrittenStory, StoryFacts, list[MomentFigures]]:
    """A story of all accounts with a caption at each moment."""
    async with transaction(pool) as conn:
        known_at = None if known is None else minutes(known)
        head = StoryHead("T", None, minutes(-5), minutes(99), view, known_at)
        story = await write_story(conn, head, LATE, "ada", NOW)
        for at in moments:
            story = await add_caption(conn, story.story_id, minutes(at), "text", "ada", NOW)
        facts = await story_facts(conn, story, NOW)
    return story, facts, [figures_at(story, facts, minutes(at), NOW) for at in moments]


def same(figures: MomentFigures, stand: PastStatus) -> bool:
    blocked = stand.standing(Status.WITHHELD, Status.SUSPENDED)
    return (
        figures.accounts == stand.watched
        and figures.late == stand.late
        and figures.unconfirmed == stand.unconfirmed
        and figures.provisional == stand.provisional
        and figures.blocked.late == stand.last_known(Status.WITHHELD, Status.SUSPENDED)
        and (blocked is None or figures.blocked.read == blocked)
        and figures.countries
        == tuple((c.country, type(figures.blocked)(c.accounts, c.late)) for c in stand.countries)
    )


@pytest.mark.parametrize(
    ("view", "known"), [(View.AS_IT_WAS, None), (View.AS_IT_WAS, 100), (View.AS_KNOWN_THEN, None)]
)
async def test_a_moment_of_a_story_is_told_as_replay_tells_it(
    pool: Pool, view: View, known: float | None
) -> None:
    await played(pool)
    _, _, figures = await told(pool, view, known)
    async with transaction(pool) as conn:
        for one in figures:
            stand = await status_at(conn, one.at, one.known_at if one.known_at < NOW else None, EVERY)
            assert same(one, stand), one


async def test_what_is_recorded_later_changes_no_story_that_says_by_when_it_was_known(pool: Pool) -> None:
    await played(pool)
    settled = [await told(pool, View.AS_KNOWN_THEN), await told(pool, View.AS_IT_WAS, 50_000)]
    open_story = await told(pool, View.AS_IT_WAS)
    desk = Desk(pool)
    await desk.enlist("1", "2")
    desk.now = NOW + timedelta(minutes=5)
    await desk.late(Sent(2, {"1": WITHHELD_IN}))
    await desk.late(Sent(40, {"1": AVAILABLE, "2": AVAILABLE}))
    later = NOW + timedelta(days=1)
    async with transaction(pool) as conn:
        for story, before, figures in settled:
            after = await story_facts(conn, story, later)
            assert [figures_at(story, after, f.at, later) for f in figures] == figures
            for f in figures:
                assert lanes_at(story, after, f.at, later) == lanes_at(story, before, f.at, NOW)
        story, _, figures = open_story
        after = await story_facts(conn, story, later)
        again = [figures_at(story, after, f.at, later) for f in figures]
    assert [f.blocked for f in again] != [f.blocked for f in figures]


async def test_changes_stand_where_they_were_first_seen(pool: Pool) -> None:
    await played(pool)
    _, facts, _ = await told(pool, View.AS_IT_WAS)
    found = changes_between(facts, minutes(-5), minutes(99), NOW)
    assert [(c.kind.value, c.last_seen_old, c.first_seen_new) for c in found] == [
        ("block", minutes(0) - ASKED, minutes(5)),
        ("restoration", minutes(20) - ASKED, minutes(60)),
    ]
    bins = density(facts, minutes(0), minutes(99), NOW, TimeBins(minutes(0), timedelta(minutes=10), 10))
    assert [{k.value: n for k, n in b.items()} for b in bins] == [
        {"block": 1},
        *[{}] * 5,
        {"restoration": 1},
        *[{}] * 3,
    ]
    assert changes_between(facts, minutes(5), minutes(59), NOW) == ()


async def test_shares_count_each_account_once_where_it_was_seen(pool: Pool) -> None:
    await played(pool)
    story, facts, _ = await told(pool, View.AS_IT_WAS)
    lanes = lanes_at(story, facts, minutes(99), NOW)
    seen = shares(lanes, story, 104)
    assert seen[7] == {None: 1, (Status.SUSPENDED, False): 1}
    assert seen[15] == {(Status.WITHHELD, False): 1, (Status.SUSPENDED, False): 1}
    assert seen[35] == {}
    assert max(sum(one.values()) for one in seen) == 2
    unchecked = unchecked_share(story, facts, lanes)
    assert unchecked is not None
    # Of 99 minutes of each of two, one was looked at for 5 + 15 + 2 and the other for 20.
    assert round(unchecked * 2 * 99) == 2 * 99 - 22 - 20
