"""Trying thresholds on what is stored: the process that does it is handed in when the dashboard starts."""

from datetime import datetime
from typing import Protocol

from storage.model.bitemporal.threshold_preview import ThresholdPreview
from storage.model.core.list_thresholds import ListThresholds


class ThresholdTrialFailed(Exception):
    """The trial gave no result. The message says why, in one sentence."""


class ThresholdTrials(Protocol):
    """Tries thresholds of lists apart from the process that serves pages. Nothing is stored."""

    async def preview_thresholds(
        self, list_name: str, wanted: ListThresholds | None, since: datetime, until: datetime
    ) -> ThresholdPreview:
        """What the thresholds would have confirmed in that period. None stands for the default ones.

        Raises ThresholdTrialFailed. May be cancelled.
        """
        ...
