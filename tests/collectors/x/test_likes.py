"""The likes of those who authorised us; of the others: that they cannot be seen, not that there are none."""

from dataclasses import replace

import pytest

from collectors.simulator.history import History
from collectors.x.likes import MAX_PAGES
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.oauth import Grant
from collectors.x.simulator.payloads import Spelling
from storage.model.core.availability import MissedReason
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_x import GRANT, OTHER_USER, OWNER, like, reader

# one page ------------------------------------------------------------------------------------------------


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
