"""The list of features: the dashboard's own as the navigation names them, and those of installed packages."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from dashboard.accounts.feature import ThresholdTrials, accounts
from dashboard.alerts.feature import RuleTrials, alerts, mails
from dashboard.api.feature import api
from dashboard.asgi.file_maker import FileMaker
from dashboard.asgi.process import WebProcess
from dashboard.auth.feature import logging_in
from dashboard.causes.feature import causes
from dashboard.countries.feature import countries
from dashboard.executives.feature import executives
from dashboard.feeds.feature import feeds
from dashboard.filing.feature import orders
from dashboard.glossary.feature import glossary
from dashboard.health.feature import health
from dashboard.help.feature import helping
from dashboard.incidents.feature import incidents
from dashboard.live.feature import live
from dashboard.names.feature import name_checks
from dashboard.people.feature import people
from dashboard.replay.feature import Reevaluator, replay
from dashboard.sizing.feature import sizing
from dashboard.stories.feature import stories
from dashboard.ui.figures import FigureReader
from dashboard.ui.pages import Feature

__all__ = ["Decider", "features"]

ENTRY_POINTS = "blockline.pages"
"""The entry point group of packages that add pages: functions from a WebProcess to a Feature."""

_log = logging.getLogger(__name__)


class Decider(Reevaluator, RuleTrials, ThresholdTrials, FileMaker, Protocol):
    """What decides on stored readings and changes again, and makes files, outside the event loop of pages."""


def features(process: WebProcess, decider: Decider) -> list[Feature]:
    figures = FigureReader(process.pool, process.settings.gap_after, process.settings.late_after)
    ours = [
        live(process),
        accounts(process, decider, figures),
        name_checks(process),
        orders(process, decider),
        causes(process),
        alerts(process, decider),
        incidents(process, decider),
        executives(process),
        countries(process),
        replay(process, decider),
        stories(process),
        mails(process),
        health(process),
        sizing(process),
        people(process),
        glossary(process),
        helping(process),
        logging_in(process),
        feeds(process),
        api(process, decider, decider),
    ]
    found = [*ours, *_installed(process, {page.path for feature in ours for page in feature.pages})]
    figures.sources |= {source.name: source for feature in found for source in feature.figures}
    return found


def _installed(process: WebProcess, taken: Iterable[str]) -> Iterator[Feature]:
    """Yield the features of installed packages. One that cannot be loaded is logged and left out."""
    paths = set(taken)
    for entry in entry_points(group=ENTRY_POINTS):
        package = "(unknown)" if entry.dist is None else entry.dist.name
        try:
            feature = _loaded(entry, package, process, paths)
        except Exception as error:  # noqa: BLE001 - it is somebody else's code
            why = f"{type(error).__name__}: {error}"
            _log.error(
                "Page %s of package %s could not be loaded: %s",
                entry.name,
                package,
                why,
                extra={"event": "page_not_loaded", "package": package},
            )
            continue
        paths |= {page.path for page in feature.pages}
        yield feature


def _loaded(entry: EntryPoint, package: str, process: WebProcess, taken: set[str]) -> Feature:
    feature = entry.load()(process)
    if not isinstance(feature, Feature):
        raise TypeError(f"{entry.value} does not return a Feature")
    for page in feature.pages:
        if page.path in taken:
            raise ValueError(f"the page /{page.path} already exists")
    return replace(feature, pages=[replace(page, package=package) for page in feature.pages])
