"""The collectors of an installation are put together from its settings, one a platform and a vantage."""

from typing import TYPE_CHECKING, cast

import pytest

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

if TYPE_CHECKING:
    from collectors.x.likes import XLikes


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


# what only some platforms show ----------------------------------------------------------------------------


def abilities(platform: Platform, **environ: str) -> Abilities:
    told = settings(**{"x_bearer_token": "t"} | environ)
    return abilities_of(told, platform, collector_of(told, platform))


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
