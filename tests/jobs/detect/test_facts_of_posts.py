"""That a post is gone because of its author is said anew by each reading."""

import pytest

from jobs.detect.judge import facts_of
from storage.model.core.availability import Flag, Reading, State, Status, Strength
from tests.support.samples.readings import T0

GONE = State(Status.NOT_FOUND)


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        pytest.param({Flag.WITH_AUTHOR}, {Flag.WITH_AUTHOR, Flag.LIMITED}, id="the author is still gone"),
        pytest.param(set[Flag](), {Flag.LIMITED}, id="the author is back, and the post is not"),
    ],
)
def test_only_the_reading_itself_says_that_a_post_is_gone_with_its_author(
    flags: set[Flag], kept: set[Flag]
) -> None:
    before = frozenset({(Flag.WITH_AUTHOR, ""), (Flag.LIMITED, "")})
    reading = Reading("post:1", T0, GONE, Strength.WEAK, None, frozenset(flags))
    assert {flag for flag, _ in facts_of(before, reading)} == kept
