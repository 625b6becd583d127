"""What an account did, and who favourited a post, as home servers tell it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from collectors.mastodon.wire.timeline import (
    MastodonTimelinePage,
    completed,
    next_max_id,
    read_page,
)
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from tests.support.samples.mastodon_answers import ALAN, ALICE, Sample, account, encoded, sample, sample_json
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_mastodon import Cut, asking, ok, status

HOME = "mastodon.example"
STATUSES = f"{HOME}/api/v1/accounts/{ALICE.local_id}/statuses"
BY_ID = f"{HOME}/api/v1/statuses"
BOB = "https://social.example/users/bob"
POST: dict[str, Any] = sample_json("statuses__acts")[-1]
MADE = datetime(2026, 11, 20, 10, tzinfo=UTC)


def uri(n: int) -> str:
    return f"{ALICE.actor}/statuses/{n}"


def post(n: int, **parts: object) -> dict[str, Any]:
    return POST | {"id": str(n), "uri": uri(n)} | parts


def page_of(name: str) -> MastodonTimelinePage:
    answer = sample(name)
    page = read_page(answer.status, answer.body, HOME)
    assert isinstance(page, MastodonTimelinePage)
    return page


# pages ---------------------------------------------------------------------------------------------------


def test_a_page_tells_boosts_quotes_replies_and_posts_oldest_first() -> None:
    page = page_of("statuses__acts")
    first = 115000000000000200
    post_1, post_2 = f"{BOB}/statuses/9001", f"{BOB}/statuses/9002"
    assert completed(page.acts, page.targets) == (
        Signal(SignalKind.POST, uri(first + 1), MADE),
        Signal(SignalKind.REPOST, f"{uri(first + 2)}/activity", MADE, post_1, BOB),
        Signal(SignalKind.REPLY, uri(first + 3), MADE, None, "bob@social.example"),
        Signal(SignalKind.REPLY, uri(first + 4), MADE, uri(first + 1), ALICE.actor),
        Signal(SignalKind.QUOTE, uri(first + 5), MADE, post_1, BOB),
        Signal(SignalKind.QUOTE, uri(first + 6), MADE, post_2, BOB),
        Signal(SignalKind.QUOTE, uri(first + 7), MADE),
    )
    assert page.newest == str(first + 7)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(7, id="not an object"),
        pytest.param(post(5, id=5), id="id is a number"),
        pytest.param(post(5, uri=None), id="no uri"),
        pytest.param(post(5, uri="javascript:1"), id="uri is no address"),
        pytest.param(post(5, reblog=[]), id="boost of no status"),
        pytest.param(post(5, reblog={"id": "4"}), id="boost of a status without a uri"),
        pytest.param(post(5, quote="x"), id="quote is text"),
        pytest.param(post(5, in_reply_to_id=4), id="reply to a number"),
        pytest.param(post(5, created_at="yesterday"), id="odd time"),
        pytest.param(post(5, created_at="2026-11-20T10:00:00"), id="time without a zone"),
        pytest.param(post(5, account={"acct": "a b"}), id="odd author"),
    ],
)
def test_a_page_with_a_status_that_is_not_understood_is_not_used(item: object) -> None:
    said = read_page(200, encoded([post(9), item]), HOME)
    assert isinstance(said, WireFault)
    assert said.reason is MissedReason.MALFORMED


# polls ---------------------------------------------------------------------------------------------------


async def test_a_reply_stays_without_a_target_where_the_server_cannot_say_it() -> None:
    async with asking({STATUSES: ok([post(9, in_reply_to_id="3")])}) as (mastodon, _):
        seen = await mastodon.engagement(ALICE.native_id, None, T0)
    assert [(s.kind, s.target_id) for s in seen.signals] == [(SignalKind.REPLY, None)]
    assert seen.trouble is None


@pytest.mark.parametrize(
    ("routes", "reason"),
    [
        pytest.param({STATUSES: Cut()}, MissedReason.NETWORK, id="no answer"),
        pytest.param({STATUSES: status(503)}, MissedReason.UPSTREAM, id="503"),
        pytest.param({STATUSES: status(429)}, MissedReason.RATE_LIMITED, id="429"),
        pytest.param({STATUSES: status(403)}, MissedReason.ACCESS, id="not shown"),
        pytest.param({STATUSES: status(404)}, MissedReason.ACCESS, id="no such account"),
        pytest.param({STATUSES: status(200, b"[{")}, MissedReason.MALFORMED, id="cut short"),
        pytest.param(
            {STATUSES: ok([post(9, in_reply_to_id="3")]), BY_ID: status(503)},
            MissedReason.UPSTREAM,
            id="the targets fail",
        ),
    ],
)
async def test_trouble_concludes_nothing_keeps_the_cursor_and_stops_nobody_else(
    routes: dict[str, Any], reason: MissedReason
) -> None:
    async with asking(routes) as (mastodon, _):
        seen = await mastodon.engagement(ALICE.native_id, "5", T0)
    assert (seen.signals, seen.cursor) == ((), "5")
    assert seen.trouble is not None
    assert (seen.trouble.reason, seen.trouble.breaker) == (reason, False)


async def test_an_odd_id_or_cursor_is_refused() -> None:
    async with asking({}) as (mastodon, _):
        with pytest.raises(ValueError, match="native id"):
            await mastodon.engagement("7", None, T0)
        with pytest.raises(ValueError, match="cursor"):
            await mastodon.engagement(ALAN.native_id, "1 2", T0)


# favourites ----------------------------------------------------------------------------------------------

FAVOURITES = f"{HOME}/api/v1/statuses/77/favourited_by"


def favourites(pages: int) -> Any:
    def script(request: web.BaseRequest) -> Sample:
        page = int(request.rel_url.query.get("max_id", "0")) + 1
        people = [account(uri=f"https://a.example/users/p{page}")]
        link = f'<https://elsewhere.example/x?max_id={page}>; rel="next", <https://a.example>; rel="prev"'
        return ok(people, Link=link) if page < pages else ok(people)

    return script


async def test_favourites_are_read_up_to_a_bound() -> None:
    async with asking({FAVOURITES: favourites(1000)}) as (mastodon, server):
        await mastodon.favourited_by("https://mastodon.example/users/alice/statuses/77", T0)
    assert len(server.asked) == 10


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(status(404), MissedReason.ACCESS), (status(401), MissedReason.ACCESS), (Cut(), MissedReason.NETWORK)],
)
async def test_favourites_that_are_not_shown_are_trouble_and_not_nobody(
    answer: Any, reason: MissedReason
) -> None:
    async with asking({FAVOURITES: answer}) as (mastodon, _):
        said = await mastodon.favourited_by("https://mastodon.example/@alice/77", T0)
    assert isinstance(said, RequestFailure)
    assert (said.reason, said.breaker) == (reason, False)


async def test_an_address_that_is_no_post_at_its_home_server_is_refused() -> None:
    async with asking({}) as (mastodon, _):
        with pytest.raises(ValueError, match="home server"):
            await mastodon.favourited_by("https://mastodon.example/@bob@social.example/77", T0)


@pytest.mark.parametrize(
    ("link", "max_id"),
    [
        (None, None),
        ("", None),
        ('<https://a.example/x?max_id=5>; rel="next"', "5"),
        ('<https://a.example/x?min_id=9>; rel="prev", <https://a.example/x?max_id=5>; rel="next"', "5"),
        ('<https://a.example/x?max_id=5>; rel="prev"', None),
        ('<https://a.example/x?max_id=../../y>; rel="next"', None),
        ('<https://[a.example/x?max_id=5>; rel="next"', None),
    ],
)
def test_of_the_next_page_only_its_place_is_taken(link: str | None, max_id: str | None) -> None:
    assert next_max_id(link) == max_id
