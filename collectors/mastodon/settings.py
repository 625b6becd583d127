"""The settings of Mastodon."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from collectors.core.settings import Hosts, PlatformSettings, SettingsModel, Table, Texts, controls, origins
from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.wire.identity import post_of


def posts(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check addresses of posts on their home servers."""
    for url in values:
        if post_of(url) is None:
            raise ValueError(f"{url!r} is not the address of a post, such as https://server.example/@name/1.")
    return values


class MastodonSettings(SettingsModel):
    mastodon_canaries: Annotated[Texts, AfterValidator(partial(controls, platform=MASTODON))] = ()
    """Your own control accounts, each as `id:handle:status`."""
    mastodon_observers: Hosts = ()
    """Servers whose view of watched accounts is stored as side facts."""
    mastodon_watched_posts: Annotated[Texts, AfterValidator(posts)] = ()
    """Addresses of posts; the executives who favourite them are recorded."""
    mastodon_origins: Annotated[Table, AfterValidator(origins)] = Field(default_factory=dict[str, str])
    """Host = address that receives its requests instead, such as a mirror or a simulator."""


SETTINGS = PlatformSettings(MastodonSettings)
