"""The collectors of an installation are put together from its settings, one a platform and a vantage."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest
from aiohttp import web

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.core.abilities import Abilities
from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.declaration import MASTODON
from collectors.x.collector import XCollector
from collectors.x.declaration import X
from jobs.collect.collector_factory import abilities_of, collector_of, platforms_of
from jobs.config.settings import Settings, SettingsError, load_settings
from storage.model.core.accounts import Platform
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_x import scripted

if TYPE_CHECKING:
    from collectors.x.likes import XLikes

DID = "did:plc:5q524mlvslhwwlcomnk7dzj4"


def settings(**environ: str) -> Settings:
    return load_settings(None, {f"BLOCKLINE_{name.upper()}": value for name, value in environ.items()})


@pytest.mark.parametrize(
    ("environ", "read"),
    [
        pytest.param({}, (BLUESKY, MASTODON), id="without a token all that need no key are read"),
        pytest.param({"x_bearer_token": "t"}, (BLUESKY, MASTODON, X), id="with a token X is read too"),
        pytest.param({"platforms": "bluesky", "x_bearer_token": "t"}, (BLUESKY,), id="named ones are all"),
        pytest.param({"platforms": "x,mastodon,x"}, (MASTODON, X), id="each once, X even without its token"),
    ],
)
def test_the_platforms_that_are_read(environ: dict[str, str], read: tuple[Platform, ...]) -> None:
    assert platforms_of(settings(**environ)) == read


@pytest.mark.parametrize(
    ("platform", "kind"), [(X, XCollector), (BLUESKY, BlueskyCollector), (MASTODON, MastodonCollector)]
)
@pytest.mark.parametrize("vantage", ["", "tr"])
def test_each_platform_has_its_collector_from_every_vantage(
    platform: Platform, kind: type, vantage: str
) -> None:
    collector = collector_of(settings(x_bearer_token="t", vantages="tr=http://p:1"), platform, vantage)
    assert isinstance(collector, kind)
    assert collector.platform is platform


@pytest.mark.parametrize(
    ("environ", "platform", "vantage", "sentence"),
    [
        ({}, X, "", "Setting x_bearer_token is missing"),
        ({"x_bearer_token": "top secret"}, X, "", "Setting x_bearer_token: the bearer token of X"),
        ({}, BLUESKY, "tr", "Setting vantages does not contain the vantage point 'tr'"),
        (
            {"bluesky_labelers": "TR=did:plc:ar7c4by46qjdydhdevvrndac"},
            BLUESKY,
            "",
            "Setting bluesky_labelers: the main labeler cannot also be",
        ),
    ],
)
def test_what_a_collector_lacks_is_named_with_its_setting(
    environ: dict[str, str], platform: Platform, vantage: str, sentence: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        collector_of(settings(**environ), platform, vantage)
    assert str(refused.value).startswith(sentence)
    assert "top secret" not in str(refused.value)


def answering(body: str) -> Callable[[web.BaseRequest], web.Response]:
    return lambda _: web.Response(text=body, content_type="application/json")


async def test_the_labelers_in_the_settings_are_the_ones_requested() -> None:
    async with scripted(answering('{"profiles": []}')) as server:
        told = settings(
            bluesky_app_view=server.base_url, bluesky_plc=server.base_url, bluesky_labelers=f"TR={DID}"
        )
        async with collector_of(told, BLUESKY) as collector:
            await collector.read(["did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"], T0)
    heard = server.asked[0].headers["atproto-accept-labelers"]
    assert heard == f"did:plc:ar7c4by46qjdydhdevvrndac;redact, {DID}"


@pytest.mark.parametrize("platform", [BLUESKY, MASTODON])
async def test_a_vantage_is_asked_through_its_proxy(platform: Platform) -> None:
    ids = {BLUESKY: DID, MASTODON: "http://mastodon.example/users/alice#1"}
    async with scripted(answering("{}")) as proxy:
        told = settings(
            bluesky_app_view="http://app-view.example",
            trusted_hosts="mastodon.example",
            vantages=f"tr={proxy.base_url}",
        )
        async with collector_of(told, platform, "tr") as collector:
            answer = await collector.read([ids[platform]], T0)
    assert answer.readings == ()
    assert proxy.asked
    assert {request.host for request in proxy.asked} <= {"app-view.example", "mastodon.example"}


async def test_a_private_host_is_asked_only_when_the_settings_trust_it() -> None:
    async with scripted(answering("[]")) as server:
        host = server.base_url.removeprefix("http://")
        native_id = f"{server.base_url}/users/alice#1"
        async with collector_of(settings(), MASTODON) as collector:
            answer = await collector.read([native_id], T0)
        assert answer.readings == ()
        assert server.asked == []
        async with collector_of(settings(trusted_hosts=host), MASTODON) as collector:
            await collector.read([native_id], T0)
        assert server.asked


# what only some platforms show ----------------------------------------------------------------------------


def abilities(platform: Platform, **environ: str) -> Abilities:
    told = settings(**{"x_bearer_token": "t"} | environ)
    return abilities_of(told, platform, collector_of(told, platform))


@pytest.mark.parametrize(
    ("platform", "environ", "offered"),
    [
        pytest.param(BLUESKY, {}, {"events", "past_handles", "follows_among"}, id="Bluesky"),
        pytest.param(
            BLUESKY, {"bluesky_jetstream": ""}, {"past_handles", "follows_among"}, id="without its stream"
        ),
        pytest.param(
            BLUESKY,
            {"bluesky_collect_labels": "true"},
            {"events", "labels", "past_handles", "follows_among"},
            id="with the labels of its labelers",
        ),
        pytest.param(MASTODON, {}, set[str](), id="Mastodon, without servers and posts to ask about"),
        pytest.param(MASTODON, {"mastodon_observers": "a.example"}, {"other_servers"}, id="observers"),
        pytest.param(
            MASTODON, {"mastodon_watched_posts": "https://a.example/@b/1"}, {"post_likes"}, id="posts"
        ),
        pytest.param(X, {}, {"likes"}, id="X, of whose likes it is kept that they cannot be seen"),
        pytest.param(X, {"x_follows_every": "1d"}, {"likes", "follow_lists"}, id="lists of follows"),
        pytest.param(X, {"x_compliance": "true"}, {"likes", "closure_reasons"}, id="compliance jobs"),
    ],
)
def test_a_platform_offers_what_it_shows_and_the_settings_ask_for(
    platform: Platform, environ: dict[str, str], offered: set[str]
) -> None:
    able = abilities(platform, **environ)
    readers = (
        "events labels past_handles other_servers closure_reasons follow_lists follows_among likes post_likes"
    )
    assert {name for name in readers.split() if getattr(able, name) is not None} == offered


def test_likes_are_read_for_executives_who_authorised_us() -> None:
    able = abilities(
        X, x_likes="7:7-token:secret,8:8-token:secret", x_consumer_key="key", x_consumer_secret="secret"
    )
    assert able.likes is not None
    assert {native_id: cast("XLikes", reader).owner_id for native_id, reader in able.likes.items()} == {
        "7": "7",
        "8": "8",
    }
    assert len(able.connections) == 2
    assert abilities(X).likes == {}


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        pytest.param(
            {"x_likes": "7:7-token:secret", "x_consumer_key": "odd key", "x_consumer_secret": "s"},
            "Settings x_consumer_key, x_consumer_secret, x_likes: ",
            id="an invalid consumer key",
        ),
    ],
)
def test_a_key_at_fault_is_reported_without_being_shown(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as refused:
        abilities(X, **environ)
    assert "odd key" not in str(refused.value)


def test_compliance_jobs_need_the_token() -> None:
    with pytest.raises(SettingsError, match=r"x_compliance.* needs x_bearer_token"):
        settings(x_compliance="true")
