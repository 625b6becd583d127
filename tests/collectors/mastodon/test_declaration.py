"""What Mastodon declares about posts: words that claim no more than its servers say."""

import pytest

from collectors.mastodon.declaration import MASTODON
from storage.model.core.availability import Flag, State, Status
from storage.model.text.states import state_words


@pytest.mark.parametrize(
    ("status", "flags", "words"),
    [
        pytest.param(
            Status.SUSPENDED,
            {Flag.TEMPORARY, Flag.WITH_AUTHOR},
            "not shown, because its server suspended its author",
            id="for a time",
        ),
        pytest.param(
            Status.SUSPENDED,
            {Flag.SUSPENDED_OR_DELETED, Flag.WITH_AUTHOR},
            "not shown, because its author was suspended or deleted the account: Mastodon does not say which",
            id="for good, or deleted",
        ),
        pytest.param(
            Status.NOT_FOUND,
            {Flag.WITH_AUTHOR},
            "gone with its author's account: its server knows neither",
            id="no such author",
        ),
        pytest.param(Status.NOT_FOUND, set[Flag](), "not found: its server does not show it", id="alone"),
    ],
)
def test_a_post_that_is_gone_with_its_author_is_not_called_suspended_itself(
    status: Status, flags: set[Flag], words: str
) -> None:
    assert state_words(State(status), MASTODON, flags) == words
