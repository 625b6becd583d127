"""The settings of Bluesky."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated

from pydantic import AfterValidator

from collectors.bluesky.declaration import BLUESKY, DECLARATION
from collectors.core.settings import (
    BaseUrl,
    PlatformSettings,
    SettingsModel,
    Table,
    Texts,
    controls,
    stream_url,
)

_COUNTRY = re.compile(r"[A-Z]{2}")


def labelers(value: Mapping[str, str]) -> Mapping[str, str]:
    """Check country codes, each with the DID of its labeler."""
    for country, did in value.items():
        if not _COUNTRY.fullmatch(country):
            raise ValueError(f"{country!r} is not a country code of two capital letters.")
        if not DECLARATION.is_native_id(did):
            raise ValueError(
                f"{did!r} is not the DID of a labeler, such as did:plc:cquoj7aozvmkud2gifeinkda."
            )
    return value


class BlueskySettings(SettingsModel):
    bluesky_app_view: BaseUrl = "https://public.api.bsky.app"
    """Address of the app view, which shows accounts and posts as the Bluesky app does."""
    bluesky_plc: BaseUrl = "https://plc.directory"
    """Address of the directory of DIDs."""
    bluesky_jetstream: Annotated[str, AfterValidator(stream_url)] = (
        "wss://jetstream2.us-east.bsky.network/subscribe"
    )
    """Stream of events that trigger early readings. Empty means no stream."""
    bluesky_labelers: Annotated[Table, AfterValidator(labelers)] | None = None
    """Country = DID of the labeler that hides accounts there. Replaces the built-in list."""
    bluesky_label_values: Texts | None = None
    """Label values that hide an account. Replaces the built-in values."""
    bluesky_collect_labels: bool = False
    """Collect all labels of these labelers, also about accounts and posts that are not watched, with the
    public profiles of those accounts and authors.
    """
    bluesky_canaries: Annotated[Texts, AfterValidator(partial(controls, platform=BLUESKY))] = ()
    """Your own control accounts, each as `id:handle:status`."""


SETTINGS = PlatformSettings(BlueskySettings, may_be_empty=frozenset({"bluesky_jetstream"}))
