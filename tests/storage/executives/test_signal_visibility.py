"""Which acts of an executive can be seen: what was found out is told, and nothing is ever told as zero."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.live.context_json import access_json
from dashboard.wire.compact_json import ms
from storage.live.lists_and_executives import LiveAccess, LiveExecutive
from storage.model.core.accounts import Platform
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import T0

CLOSED = LiveAccess(SignalKind.LIKE, observable=False, reason="No authorisation.", since=T0)
OPEN = LiveAccess(SignalKind.LIKE, observable=True, reason="Authorised.", since=T0)
LISTED = LiveAccess(SignalKind.FOLLOW, observable=True, reason="The list is public.", since=T0)


def executive(platform: Platform, *access: LiveAccess) -> LiveExecutive:
    return LiveExecutive(1, platform, "h", "Name", "Title", access)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        pytest.param(
            executive(X),
            [("likes", "X", "not observable since June 2024", None)],
            id="on X nobody outside sees likes",
        ),
        pytest.param(
            executive(X, CLOSED),
            [("likes", "X", "not observable as of", ms(T0))],
            id="who has not authorised the app",
        ),
        pytest.param(
            executive(X, OPEN),
            [("likes", "X", "observable since", ms(T0))],
            id="who has authorised it",
        ),
        pytest.param(
            executive(X, LISTED),
            [
                ("follows", "X", "observable since", ms(T0)),
                ("likes", "X", "not observable since June 2024", None),
            ],
            id="of another kind nothing was found",
        ),
        pytest.param(
            executive(MASTODON),
            [("likes", "Mastodon", "not observable", None), ("follows", "Mastodon", "not collected", None)],
            id="Mastodon lists nobody's favourites",
        ),
        pytest.param(executive(BLUESKY), [], id="on Bluesky all is public"),
    ],
)
def test_what_was_found_of_one_executive_comes_before_what_holds_of_everybody(
    one: LiveExecutive, told: list[tuple[str, str, str, int | None]]
) -> None:
    said = access_json(one)
    assert [(a["what"], a["where"], a["state"], a["at"]) for a in said] == told
    assert all(str(a["why"]).endswith(".") for a in said)
