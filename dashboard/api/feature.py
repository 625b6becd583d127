"""The API: an application of its own beside the pages."""

from functools import partial

from dashboard.api.app import LARGER, mount
from dashboard.api.request_checks import Trials
from dashboard.asgi.process import WebProcess
from dashboard.ui.pages import Feature


def api(process: WebProcess, trials: Trials) -> Feature:
    """`trials` tries rules and thresholds on what is stored."""
    return Feature(
        mount=partial(
            mount, pool=process.pool, clock=process.clock, settings=process.settings, trials=trials
        ),
        largest=LARGER,
    )
