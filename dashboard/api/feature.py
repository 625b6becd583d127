"""The API: an application of its own beside the pages."""

from functools import partial

from dashboard.api.app import LARGER, mount
from dashboard.asgi.process import WebProcess
from dashboard.ui.pages import Feature


def api(process: WebProcess) -> Feature:
    return Feature(
        mount=partial(mount, pool=process.pool, clock=process.clock, settings=process.settings),
        largest=LARGER,
    )
