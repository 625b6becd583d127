"""Which acts of an executive can be seen: what was found out is told, and nothing is ever told as zero."""

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.live.context_json import access_json
from dashboard.wire.compact_json import ms
from storage.executives.follows import Access, note_access
from storage.executives.signals import add_executive
from storage.live.lists_and_executives import LiveAccess, LiveExecutive, executives
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0, minutes

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


async def test_of_each_kind_the_newest_finding_counts(pool: Pool) -> None:
    async with transaction(pool) as conn:
        for platform, native_id in ((X, "1"), (X, "2"), (MASTODON, "3")):
            await add_executive(conn, platform, native_id, f"h{native_id}", "Name", "Title", T0)
        first, second, _ = (AccountId(e.account_id) for e in await executives(conn))
        for at, observable in ((0, False), (5, True), (10, False)):
            await note_access(conn, SignalKind.LIKE, {first: Access(observable, f"at {at}")}, minutes(at))
        await note_access(conn, SignalKind.FOLLOW, {first: Access(True, "public")}, minutes(1))
        await note_access(conn, SignalKind.LIKE, {second: Access(True, "yes")}, minutes(2))
        told = {(e.platform, e.handle): e.access for e in await executives(conn)}
    assert told == {
        (X, "h1"): (
            LiveAccess(SignalKind.FOLLOW, observable=True, reason="public", since=minutes(1)),
            LiveAccess(SignalKind.LIKE, observable=False, reason="at 10", since=minutes(10)),
        ),
        (X, "h2"): (LiveAccess(SignalKind.LIKE, observable=True, reason="yes", since=minutes(2)),),
        (MASTODON, "h3"): (),
    }
