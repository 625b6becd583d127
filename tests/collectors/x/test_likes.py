"""The likes of those who authorised us; of the others: that they cannot be seen, not that there are none."""

import logging
from dataclasses import replace

import aiohttp
import pytest

from collectors.core.wire import WireFault
from collectors.simulator.history import History
from collectors.x.likes import MAX_PAGES, XLikes
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.oauth import Grant
from collectors.x.simulator.payloads import Spelling
from collectors.x.wire.envelope import UnreadableResource
from collectors.x.wire.timeline import LikedPage, read_liked
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from tests.support.samples.readings import MINUTE, T0
from tests.support.samples.x_answers import ID, body, recorded
from tests.support.simulated.scripted_x import GRANT, OTHER_USER, OWNER, like, plain, reader, scripted

SECRETS = (GRANT.consumer_key, GRANT.consumer_secret, GRANT.access_token, GRANT.access_secret)


def posts(*ids: str, token: str | None = None) -> bytes:
    meta = {"result_count": len(ids)} | ({} if token is None else {"next_token": token})
    return body(data=[{"id": i, "text": "", "author_id": "5"} for i in ids], meta=meta)


# one page ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "answer", "want"),
    [
        pytest.param(200, posts("9", "8"), ["9", "8"], id="likes come newest first"),
        pytest.param(200, body(meta={"result_count": 0}), [], id="who likes nothing has an empty page"),
        pytest.param(200, body(data=[{"id": "9"}], meta={}), ["9"], id="a post without an author is a like"),
        pytest.param(200, body(data=[{"text": ""}], meta={}), MissedReason.MALFORMED, id="no id"),
        pytest.param(200, body(data=["9"], meta={}), MissedReason.MALFORMED, id="a post is an object"),
        pytest.param(200, b"", MissedReason.MALFORMED, id="an empty 200 is not no likes"),
        pytest.param(401, b"", MissedReason.AUTH, id="401 is not no likes"),
        pytest.param(403, b"", MissedReason.ACCESS, id="403 is not no likes"),
        pytest.param(429, recorded("usage_capped"), MissedReason.USAGE_CAPPED, id="a cap is not no likes"),
    ],
)
def test_a_page_of_likes_is_used_whole_or_not_at_all(
    status: int, answer: bytes, want: list[str] | MissedReason
) -> None:
    said = read_liked(status, answer, ID)
    assert not isinstance(said, UnreadableResource)
    assert (said.reason if isinstance(said, WireFault) else [s.native_id for s in said.signals]) == want


def test_a_like_has_no_date_and_its_post_is_its_id_and_its_target() -> None:
    said = read_liked(200, posts("9", token="t"), ID)
    assert said == LikedPage((Signal(SignalKind.LIKE, "9", None, "9", "5"),), "t")


def test_a_protected_list_of_likes_is_not_readable() -> None:
    assert isinstance(
        read_liked(200, recorded("protected_timeline"), "1500850517966311430"), UnreadableResource
    )


# over real sockets, signed -------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", Spelling)
async def test_a_signed_request_shows_its_owners_likes_newest_last(spelling: Spelling) -> None:
    acts = [like(90), like(70, 1), like(80, 2), like(60, 9), like(1, actor=OTHER_USER)]
    async with (
        serve_x(History(()), acts=acts, now=T0 + 5 * MINUTE, grants=[GRANT], spelling=spelling) as server,
        reader(server.base_url) as x,
    ):
        said = await x.likes(OWNER, (), T0)
        assert [s.native_id for s in said.signals] == ["90", "70", "80"]
        assert {s.made_at for s in said.signals} == {None}
        assert said.complete
        assert said.trouble is None


async def test_only_what_is_new_is_told_and_reading_stops_there() -> None:
    acts = [like(1000 + n, n / 100) for n in range(450)]
    now = acts[-1].at
    async with (
        serve_x(History(()), acts=acts, now=now, grants=[GRANT]) as server,
        reader(server.base_url) as x,
    ):
        first = await x.likes(OWNER, (), now)
        assert [s.native_id for s in first.signals] == [str(1000 + n) for n in range(350, 450)]
        known = {str(1000 + n) for n in range(200)}
        later = await x.likes(OWNER, known, now)
        assert [s.native_id for s in later.signals] == [str(1000 + n) for n in range(200, 450)]
        assert later.complete
        assert server.counts["users/:id/liked_tweets"]["requests"] == 1 + 3


@pytest.mark.parametrize(
    ("listed", "known", "new"),
    [
        pytest.param("9 8 7", "7", "8 9", id="what stands above a known like is new"),
        pytest.param("9 8", "9 8", "", id="nothing is new"),
        pytest.param("9 8 7", "9 8", "", id="an older like that came into view is not new"),
        pytest.param("5 9 8 7", "5 7", "8 9", id="a like given anew does not hide those below"),
        pytest.param("9 9 8", "8", "9", id="a like twice on a page is one like"),
    ],
)
async def test_new_is_what_stands_above_the_last_known_like(listed: str, known: str, new: str) -> None:
    async with scripted(plain(200, posts(*listed.split()))) as server, reader(server.base_url) as x:
        said = await x.likes(OWNER, set(known.split()), T0)
        assert [s.native_id for s in said.signals] == new.split()


async def test_likes_beyond_five_pages_are_said_to_be_unseen() -> None:
    acts = [like(1000 + n, n / 100) for n in range(100 * MAX_PAGES + 50)]
    now = acts[-1].at
    async with (
        serve_x(History(()), acts=acts, now=now, grants=[GRANT]) as server,
        reader(server.base_url) as x,
    ):
        said = await x.likes(OWNER, {"1000"}, now)
        assert len(said.signals) == 100 * MAX_PAGES
        assert not said.complete
        assert server.counts["users/:id/liked_tweets"]["requests"] == MAX_PAGES


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(replace(GRANT, consumer_secret="no"), id="a wrong secret of the app"),
        pytest.param(replace(GRANT, access_secret="no"), id="a wrong secret of the user"),
        pytest.param(replace(GRANT, access_token=f"{OWNER}-another"), id="an unknown token"),
        pytest.param(replace(GRANT, consumer_key="another"), id="another app"),
    ],
)
async def test_a_signature_that_does_not_fit_is_an_authorisation_that_is_not_accepted(wrong: Grant) -> None:
    async with (
        serve_x(History(()), acts=[like(90)], now=T0, grants=[GRANT]) as server,
        reader(server.base_url, wrong) as x,
    ):
        said = await x.likes(OWNER, (), T0)
    assert said.signals == ()
    assert said.trouble is not None
    assert said.trouble.reason is MissedReason.AUTH


async def test_an_app_token_sees_nobodys_likes() -> None:
    app = {"Authorization": "Bearer t"}
    async with (
        serve_x(History(()), acts=[like(90)], now=T0, grants=[GRANT]) as server,
        aiohttp.ClientSession(server.base_url, headers=app) as session,
        session.get(f"/2/users/{OWNER}/liked_tweets") as answer,
    ):
        assert answer.status == 403


async def test_each_user_has_a_rate_limit_of_their_own() -> None:
    second = Grant("appkey", "app+secret/", f"{OTHER_USER}-token", "secret")
    limit = {"users/:id/liked_tweets": 1}
    async with (
        serve_x(History(()), acts=[like(9)], now=T0, grants=[GRANT, second], limit=limit) as server,
        reader(server.base_url) as x,
        reader(server.base_url, second) as y,
    ):
        assert (await x.likes(OWNER, (), T0)).trouble is None
        assert (await y.likes(OTHER_USER, (), T0)).trouble is None
        spent = await x.likes(OWNER, (), T0)
        assert spent.trouble is not None
        assert spent.trouble.reason is MissedReason.RATE_LIMITED
        assert server.counts["users/:id/liked_tweets"]["refused"] == 0


async def test_another_user_than_the_owner_is_never_asked_for() -> None:
    async with reader("http://127.0.0.1:9") as x:
        assert x.owner_id == OWNER
        with pytest.raises(ValueError, match="only the likes of its owner"):
            await x.likes(OTHER_USER, (), T0)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("odd", ["", "two words", "line\nbreak", "ключ"])
def test_an_authorisation_that_cannot_be_one_is_refused_without_being_repeated(place: int, odd: str) -> None:
    parts = [*SECRETS[:place], odd, *SECRETS[place + 1 :]]
    with pytest.raises(ValueError, match="authorisation") as refusal:
        XLikes(*parts)
    assert not any(part in str(refusal.value) for part in SECRETS)


async def test_no_secret_is_in_any_log_or_message(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for script in (plain(200, posts("9")), plain(401, b"{}"), plain(503, b"<html>")):
            async with scripted(script) as server, reader(server.base_url) as x:
                said = await x.likes(OWNER, (), T0)
                assert not any(secret in f"{said} {x!r}" for secret in SECRETS)
    assert not any(secret in caplog.text for secret in SECRETS)
