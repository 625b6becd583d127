"""The collectors of an installation are put together from its settings, one a platform and a vantage."""

from collections.abc import Callable

import pytest
from aiohttp import web

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.declaration import MASTODON
from collectors.x.collector import XCollector
from collectors.x.declaration import X
from jobs.collect.collector_factory import collector_of, compliance_jobs, likes_readers, platforms_of
from jobs.config.settings import Settings, SettingsError, load_settings, settings_from
from storage.model.core.accounts import Platform
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_x import scripted

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


def test_likes_are_read_for_executives_who_authorised_us() -> None:
    told = settings(
        x_likes="7:7-token:secret,8:8-token:secret", x_consumer_key="key", x_consumer_secret="secret"
    )
    assert {native_id: reader.owner_id for native_id, reader in likes_readers(told).items()} == {
        "7": "7",
        "8": "8",
    }
    assert likes_readers(settings_from({})) == {}


def test_an_invalid_consumer_key_is_reported_without_being_shown() -> None:
    told = settings(x_likes="7:7-token:secret", x_consumer_key="odd key", x_consumer_secret="s")
    with pytest.raises(
        SettingsError, match="Settings x_consumer_key, x_consumer_secret, x_likes: "
    ) as refused:
        likes_readers(told)
    assert "odd key" not in str(refused.value)


def test_compliance_jobs_run_only_if_they_are_enabled() -> None:
    assert compliance_jobs(settings(x_bearer_token="t")) is None
    assert compliance_jobs(settings(x_bearer_token="t", x_compliance="true")) is not None
    with pytest.raises(SettingsError, match="Setting x_bearer_token is missing"):
        compliance_jobs(settings(x_compliance="true"))
