"""What an answer of X proves about each account, row by row of the classification."""

from collections.abc import Callable

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from collectors.core.abilities import Follows
from collectors.core.collector import RequestFailure
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History
from collectors.x.simulator.app import serve_x
from collectors.x.wire.envelope import UnreadableResource
from collectors.x.wire.follows import (
    MAX_PAGES,
    FollowsListing,
    FollowsPage,
)
from collectors.x.wire.timeline import XTimelinePage, read_timeline
from collectors.x.wire.users import read_lookup
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status
from storage.model.core.signals import SignalKind
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, PROTECTED, SUSPENDED, T0
from tests.support.samples.x_answers import AT, ERROR, ID, MISSING, USER, body
from tests.support.simulated.scripted_x import collector, plain, scripted


def said_of(answer: bytes, native_id: str = ID, status: int = 200) -> Reading | Missed:
    lookup = read_lookup(status, answer, [native_id], AT)
    (said,) = (*lookup.readings, *lookup.missed)
    return said


def error(**changes: object) -> bytes:
    """An answer with the error of a suspended account, changed."""
    return body(errors=[{**ERROR, **changes}])


def problem(name: str) -> bytes:
    return error(type=f"https://api.x.com/2/problems/{name}")


def user(**changes: object) -> bytes:
    """An answer with the data of an account, changed."""
    return body(data=[{**USER, **changes}])


ONE_ACCOUNT = [
    (body(data=[USER], errors=[ERROR]), MissedReason.CONTRADICTORY, "in data and in errors is neither"),
    (body(errors=[ERROR, MISSING]), MissedReason.CONTRADICTORY, "two errors that disagree cancel out"),
    (
        body(data=[USER, {**USER, "protected": True}]),
        MissedReason.CONTRADICTORY,
        "twice in data with different content is neither",
    ),
    (user(protected=None), MissedReason.MALFORMED, "protected null is not open"),
    (user(protected=0), MissedReason.MALFORMED, "protected as a number is not open"),
    (body(data=[{"id": ID, "username": "a"}]), MissedReason.MALFORMED, "protected absent is not open"),
    (user(id=int(ID)), MissedReason.MALFORMED, "an id that is a number is not believed"),
    (user(username=None), MissedReason.MALFORMED, "data without a handle is not believed"),
    (user(username="a\0"), MissedReason.MALFORMED, "data with an odd handle is not believed"),
    (body(data=[], errors=[]), MissedReason.OMITTED, "an account left out is never called not found"),
    (user(id="1"), MissedReason.OMITTED, "data about another account says nothing of this one"),
    (body(data=[None, 3, "x", [3]]), MissedReason.OMITTED, "items that are no objects say nothing"),
    (error(section="includes"), MissedReason.OMITTED, "an error about what a post includes says nothing"),
    (error(parameter="entities.mentions.username"), MissedReason.OMITTED, "a suspended mention says nothing"),
    (error(parameter="in_reply_to_user_id"), MissedReason.OMITTED, "whom a post answered says nothing"),
    (error(resource_type="tweet"), MissedReason.OMITTED, "an error about a tweet says nothing"),
    (error(resource_type="post"), MissedReason.OMITTED, "an error about a post says nothing, so spelt too"),
    (error(parameter=["ids"]), MissedReason.OMITTED, "a parameter that is no text says nothing"),
    (error(value="1", resource_id="1"), MissedReason.OMITTED, "an error about another account says nothing"),
    (error(value="1"), MissedReason.UNCLASSIFIED, "an error that names two accounts is not classified"),
    (
        error(detail="User has been suspended: [1]."),
        MissedReason.UNCLASSIFIED,
        "a detail that names another account is not classified",
    ),
    (error(title="Odd"), MissedReason.UNCLASSIFIED, "an unknown title is not classified"),
    (error(title="Not Found Error"), MissedReason.UNCLASSIFIED, "a title against its detail settles nothing"),
    (problem("internal-error"), MissedReason.UNCLASSIFIED, "an internal error is not a status"),
    (problem("resource-unavailable"), MissedReason.UNCLASSIFIED, "unavailable is not a status"),
    (problem("field-hydration-failure"), MissedReason.UNCLASSIFIED, "a failed field is not a status"),
    (problem("field-unauthorized"), MissedReason.UNCLASSIFIED, "a field we may not see is not a status"),
    (problem("disallowed-resource"), MissedReason.UNCLASSIFIED, "disallowed is not a status"),
    (problem("not-authorized-for-resource"), MissedReason.UNCLASSIFIED, "unauthorised is not a status"),
    (error(type=None), MissedReason.UNCLASSIFIED, "an error without a type is not classified"),
    (error(detail={"a": 1}), MissedReason.UNCLASSIFIED, "an error without a detail is not classified"),
    (error(), SUSPENDED, "title Forbidden with a suspended detail is a suspension"),
    (error(detail="User has been suspended."), SUSPENDED, "a detail need not repeat the id"),
    (error(parameter="id"), SUSPENDED, "a lookup of one account says it the same way"),
    (body(errors=[MISSING]), NOT_FOUND, "could not find user is not found, whoever deleted it"),
    (user(), AVAILABLE, "data that is open is available"),
    (user(protected=True), PROTECTED, "protected true is protected"),
    (user(name="Withheld account"), AVAILABLE, "the display name is no evidence of anything"),
    (user(pinned_tweet_id="1"), AVAILABLE, "fields of the old spelling do not matter"),
    (user(pinned_post_id="1"), AVAILABLE, "fields of the new spelling do not matter"),
    (user(something_new={"a": [1]}), AVAILABLE, "a field that X adds does not matter"),
]


@pytest.mark.parametrize(
    ("answer", "want"), [row[:2] for row in ONE_ACCOUNT], ids=[row[2] for row in ONE_ACCOUNT]
)
def test_an_account_is_what_is_plainly_stated_of_it_or_missed(
    answer: bytes, want: State | MissedReason
) -> None:
    said = said_of(answer)
    assert (said.state if isinstance(said, Reading) else said.reason) == want


def test_a_withheld_account_keeps_that_its_owner_protects_it_as_a_side_fact() -> None:
    answer = body(data=[{**USER, "protected": True, "withheld": {"country_codes": ["IN"]}}])
    said = said_of(answer)
    assert isinstance(said, Reading)
    assert said.state == State(Status.WITHHELD, ("IN",))
    assert said.flags == {Flag.PROTECTED}


def test_a_copyright_notice_does_not_make_a_protected_account_look_unlocked() -> None:
    said = said_of(body(data=[{**USER, "protected": True, "withheld": {"country_codes": ["XY"]}}]))
    assert isinstance(said, Reading)
    assert said.state == PROTECTED


EXECUTIVE = "310000001"


def follow(target: int, minute: float = 0, kind: SignalKind = SignalKind.FOLLOW) -> SimulatedAct:
    return SimulatedAct(EXECUTIVE, T0 + minute * MINUTE, kind, str(target), str(target), None)


def page(*ids: str, token: str | None = None, **parts: object) -> bytes:
    users = [{"id": i, "name": "n", "username": f"h{i}"} for i in ids]
    meta = {"result_count": len(ids)} | ({} if token is None else {"next_token": token})
    return body(data=users, meta=meta, **parts)


# one page ------------------------------------------------------------------------------------------------


# counts and prices ---------------------------------------------------------------------------------------


# pages put together --------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(1, 50), max_size=8), min_size=1, max_size=MAX_PAGES))
def test_a_listing_is_complete_once_its_last_page_is_in(pages: list[list[int]]) -> None:
    listing = FollowsListing()
    for n, ids in enumerate(pages):
        token = str(n) if n + 1 < len(pages) else None
        assert listing.add(FollowsPage(tuple((str(i), "h") for i in ids), token, whole=True)) == token
    said = listing.so_far()
    assert said.complete
    assert {i for i, _ in said.targets} == {str(i) for ids in pages for i in ids}


@pytest.mark.parametrize(
    ("tokens", "pages"),
    [
        pytest.param(["a", "a"], 2, id="a token that comes back would go round for ever"),
        pytest.param([str(n) for n in range(99)], MAX_PAGES, id="a list beyond what may be spent"),
    ],
)
def test_a_listing_that_is_ended_by_us_is_not_complete(tokens: list[str], pages: int) -> None:
    listing = FollowsListing()
    for token in tokens:
        if listing.add(FollowsPage((("7", "h"),), token, whole=True)) is None:
            break
    assert listing.pages == pages
    assert not listing.so_far().complete


# over real sockets ---------------------------------------------------------------------------------------


async def test_a_used_up_limit_of_this_list_does_not_stop_the_lookups() -> None:
    async with (
        serve_x(History(()), acts=[follow(7)], now=T0, limit={"users/:id/following": 1}) as server,
        collector(server.base_url) as x,
    ):
        assert isinstance(await x.follows(EXECUTIVE, T0), Follows)
        second = await x.follows(EXECUTIVE, T0)
        assert isinstance(second, RequestFailure)
        assert second.reason is MissedReason.RATE_LIMITED
        assert (await x.read([EXECUTIVE], T0)).readings
        assert server.counts["users/:id/following"] == {"requests": 1, "ids": 1, "refused": 0}


@pytest.mark.parametrize(
    ("script", "reason", "breaker"),
    [
        pytest.param(plain(401), MissedReason.AUTH, True, id="a bad token"),
        pytest.param(plain(402), MissedReason.CREDITS, True, id="no credits"),
        pytest.param(plain(403), MissedReason.ACCESS, False, id="a plan without lists still looks up"),
        pytest.param(plain(503), MissedReason.UPSTREAM, False, id="X is down"),
    ],
)
async def test_counts_and_lists_share_the_pauses_of_the_lookups(
    script: Callable[[web.BaseRequest], web.Response], reason: MissedReason, breaker: bool
) -> None:
    async with scripted(script) as server, collector(server.base_url) as x:
        said = await x.follows(EXECUTIVE, T0)
        assert isinstance(said, RequestFailure)
        assert (said.reason, said.breaker) == (reason, breaker)
        counts = await x.following_counts([EXECUTIVE], T0)
        assert isinstance(counts, RequestFailure)
        assert len(server.asked) == (1 if breaker else 2)


async def test_what_is_no_id_is_not_asked_for() -> None:
    async with collector("http://127.0.0.1:9") as x:
        with pytest.raises(ValueError, match="of X"):
            await x.follows("me", T0)
        with pytest.raises(ValueError, match="at most 100"):
            await x.following_counts([str(n) for n in range(101)], T0)
        assert await x.following_counts(["me"], T0) == {}


AUTHOR = "310000001"


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(None, id="no object"),
        pytest.param({"id": 5}, id="id a number"),
        pytest.param({"id": "5", "created_at": "yesterday"}, id="odd time"),
        pytest.param({"id": "5", "referenced_tweets": {}}, id="odd references"),
        pytest.param({"id": "5", "referenced_tweets": [{"type": "quoted"}]}, id="reference without an id"),
    ],
)
def test_a_page_with_a_post_that_is_not_understood_is_not_used(post: object) -> None:
    answer = body(data=[{"id": "6"}, post], meta={"result_count": 2})
    page = read_timeline(200, answer, AUTHOR)
    assert not isinstance(page, XTimelinePage | UnreadableResource)
    assert page.reason is MissedReason.MALFORMED
