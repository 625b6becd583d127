"""The API: an application of its own beside the pages."""

from functools import partial

from dashboard.api.app import LARGER, mount
from dashboard.api.request_checks import ApiContext, Trials
from dashboard.asgi.file_maker import FileMaker
from dashboard.asgi.process import WebProcess
from dashboard.ui.pages import Feature


def api(process: WebProcess, trials: Trials, files: FileMaker) -> Feature:
    """`trials` tries rules and thresholds on what is stored, and `files` makes files to download."""
    return Feature(
        mount=partial(
            mount,
            source=ApiContext(process.pool, process.clock, process.settings, trials, files, process.base_url),
        ),
        largest=LARGER,
    )
