"""What is folded from spells: how long accounts were blocked, as far as the readings around it tell."""

from datetime import timedelta

import pytest

from storage.model.core.availability import EVERYWHERE, Spell, State, Status
from storage.model.orders.restoration import BlockedFor, BlockEnd, durations
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, PROTECTED, SUSPENDED, T0, WITHHELD_IN
from tests.support.samples.restoration_cohorts import HOUR

ABROAD = State(Status.WITHHELD, ("TR",))
BOTH = State(Status.WITHHELD, ("IN", "TR"))
ANYWHERE = State(Status.WITHHELD, (EVERYWHERE,))


def story(*states: tuple[float | None, float, State]) -> list[Spell]:
    """Spells of account 7: hours of the last contrary and of the first agreeing reading, and the state."""
    return [
        Spell(7, state, None if after is None else T0 + after * HOUR, T0 + since * HOUR, None)
        for after, since, state in states
    ]


RESTORED, STILL, GONE = BlockEnd.RESTORED, BlockEnd.STILL_BLOCKED, BlockEnd.GONE
FREE_FIRST = (None, 0, AVAILABLE)
Row = tuple[float, float | None, float | None, BlockEnd]
"""Hours: at least, at most, between the readings around the beginning."""


@pytest.mark.parametrize(
    ("spells", "told"),
    [
        pytest.param([], [], id="who was never read was never blocked"),
        pytest.param(story(FREE_FIRST), [], id="who was always free was never blocked"),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (10, 13, AVAILABLE)),
            [(8, 12, 1, RESTORED)],
            id="at least from the first reading of the block to the last, at most between the ones around",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (2, 3, AVAILABLE)),
            [(0, 2, 1, RESTORED)],
            id="a block that one reading saw lasted for no known time, and less than two gaps",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN)),
            [(18, None, 1, STILL)],
            id="a block that goes on lasted until it was seen last",
        ),
        pytest.param(
            story((None, 2, WITHHELD_IN), (10, 13, AVAILABLE)),
            [(8, None, None, RESTORED)],
            id="a block that was there at the first look has no upper end, though it ended",
        ),
        pytest.param(
            story((1, 2, WITHHELD_IN), (10, 13, AVAILABLE)),
            [(8, None, None, RESTORED)],
            id="what was before the first spell that is told is not known",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (5, 6, SUSPENDED), (10, 13, AVAILABLE)),
            [(8, 12, 1, RESTORED)],
            id="withheld and then suspended is one blocked time",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (5, 6, BOTH), (7, 8, ABROAD)),
            [(5, 7, 1, RESTORED)],
            id="who is withheld elsewhere only is restored in the country",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, ABROAD), (5, 6, ANYWHERE), (8, 9, PROTECTED)),
            [(2, 4, 1, RESTORED)],
            id="withheld everywhere is withheld in the country, and an owner's lock is no block",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, SUSPENDED), (4, 5, AVAILABLE), (6, 8, SUSPENDED)),
            [(2, 4, 1, RESTORED), (12, None, 2, STILL)],
            id="a block after a restoration is a second one",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, SUSPENDED), (4, 5, NOT_FOUND), (6, 8, AVAILABLE)),
            [(2, None, 1, GONE)],
            id="a blocked account that vanishes is not restored, nor when it is found again",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, SUSPENDED), (4, 5, NOT_FOUND), (6, 8, SUSPENDED), (9, 10, AVAILABLE)),
            [(2, None, 1, GONE), (1, None, None, RESTORED)],
            id="blocked when found again: it may have been so all the time",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, NOT_FOUND), (4, 5, SUSPENDED), (9, 10, AVAILABLE)),
            [(4, 9, 4, RESTORED)],
            id="a block after a free account vanished began after it was last seen free",
        ),
    ],
)
def test_a_blocked_time_is_bounded_by_the_readings_around_it(spells: list[Spell], told: list[Row]) -> None:
    found = durations(reversed(spells), {7: T0 + 20 * HOUR}, "A 1", "IN")

    hours = [None if t is None else t * HOUR for row in told for t in row[:3]]
    assert [t for d in found for t in (d.shortest, d.longest, d.start_width)] == hours
    assert [d.end for d in found] == [end for *_, end in told]
    assert {(d.account_id, d.order) for d in found} <= {(7, "A 1")}


def test_without_a_country_whoever_is_withheld_anywhere_is_blocked() -> None:
    (told,) = durations(story(FREE_FIRST, (1, 2, ABROAD)), {})

    assert (told.shortest, told.longest, told.end) == (timedelta(), None, STILL)


@pytest.mark.parametrize(
    ("shortest", "longest", "width", "end"),
    [
        pytest.param(2, 1, 1, RESTORED, id="at most less than at least"),
        pytest.param(-1, 1, 1, RESTORED, id="less than no time"),
        pytest.param(1, 2, -1, RESTORED, id="it began before it began"),
        pytest.param(1, 2, None, RESTORED, id="an upper end without a beginning"),
        pytest.param(1, 2, 1, STILL, id="an upper end of what is not over"),
        pytest.param(1, None, 1, RESTORED, id="no upper end of what was seen to begin and end"),
    ],
)
def test_what_no_readings_can_tell_is_refused(
    shortest: int, longest: int | None, width: int | None, end: BlockEnd
) -> None:
    upper, start = (None if n is None else n * HOUR for n in (longest, width))
    with pytest.raises(ValueError, match="account 1: "):
        BlockedFor(1, None, shortest * HOUR, upper, start, end)
