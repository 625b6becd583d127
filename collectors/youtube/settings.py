"""The settings of YouTube."""

import re
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from collectors.core.settings import BaseUrl, PlatformSettings, SettingsModel, Texts, controls
from collectors.youtube.declaration import YOUTUBE

_KEY = re.compile(r"[A-Za-z0-9_-]{10,200}")


def api_key(value: SecretStr) -> SecretStr:
    if not _KEY.fullmatch(value.get_secret_value()):
        raise ValueError("it is not an API key: letters, digits, hyphens and underscores, at least 10.")
    return value


class YouTubeSettings(SettingsModel):
    youtube_api_key: Annotated[SecretStr, AfterValidator(api_key)] | None = None
    """Key of the YouTube Data API. YouTube is not read without it."""
    youtube_base_url: BaseUrl = "https://www.googleapis.com"
    """Address of the YouTube Data API."""
    youtube_canaries: Annotated[Texts, AfterValidator(partial(controls, platform=YOUTUBE))] = ()
    """Your own control accounts and videos, each as `id:handle:status`."""


def _missing_key(settings: YouTubeSettings) -> str | None:
    return "youtube_api_key" if settings.youtube_api_key is None else None


SETTINGS = PlatformSettings(YouTubeSettings, _missing_key)
