"""The settings of Pond."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator

from collectors.core.settings import BaseUrl, PlatformSettings, SettingsModel, Texts, controls

from .declaration import POND


class PondSettings(SettingsModel):
    pond_base_url: BaseUrl = "https://pond.example"
    pond_canaries: Annotated[Texts, AfterValidator(partial(controls, platform=POND))] = ()


SETTINGS = PlatformSettings(PondSettings)
