"""What of an installation works, in words that claim no more than was seen. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.asgi.settings import DashboardSettings
from dashboard.health.collectors import CollectorHealth, collector_health, collector_status, since
from dashboard.ui import words
from storage.health.collectors_report import CollectorReport
from storage.health.workers_report import WorkersReport
from storage.model.core.accounts import Platform
from storage.model.core.platform_request import source_name
from storage.model.text.collectors import source_words, to_do
from storage.model.text.states import clean
from storage.work.workers import HEARD_WITHIN, Worker, WorkerStatus

HOW_TO_GET_KEYS = "docs/how-to/first-run.md"
_WORST_FIRST = list(CollectorHealth)


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of one part: a word, and a sentence that says on what it rests and what to do."""

    status: str
    said: str
    mark: str
    """How it is drawn: "works" if it was seen working, "stopped" if it needs a person, else "never"."""


def platform_readiness(
    platform: Platform,
    reports: Iterable[CollectorReport],
    found: WorkersReport,
    settings: DashboardSettings,
    now: datetime,
) -> Readiness:
    """Say whether a platform is read: from its answers if there are any, else from workers and settings."""
    own = [r for r in reports if r.platform is platform and not r.vantage and r.last_asked_at is not None]
    own += [r for r in reports if r.platform is platform and not r.vantage and not r.healthy and r not in own]
    if own:
        return _asked(own, now, settings.late_after)
    if settings.platforms is not None and platform not in settings.platforms:
        return Readiness("Not read", "The setting platforms leaves it out.", "never")
    source = source_name(platform)
    reading = [w for w in found.workers if w.status_for(source, now) is WorkerStatus.READS]
    key = settings.keys.get(platform)
    if platform in settings.missing_keys and not reading:
        how = f"Set {key}; {HOW_TO_GET_KEYS} says how to get it."
        return Readiness("Needs a key", how, "stopped")
    with_key = f"The setting {key} is set" if key and platform not in settings.missing_keys else ""
    needs = with_key or ("A worker reads it" if key else "No key is needed")
    return Readiness("Ready", f"{needs}. Nothing was asked yet.", "never")


def _asked(own: Sequence[CollectorReport], now: datetime, late_after: timedelta) -> Readiness:
    """The worst collector of the platform, since one server that fails is what a person can act on."""
    found = [(collector_health(one, now, late_after), one) for one in own]
    health, worst = min(found, key=lambda pair: _WORST_FIRST.index(pair[0]))
    if health is CollectorHealth.WORKS:
        newest = max(one.last_answered_at for one in own if one.last_answered_at is not None)
        return Readiness("OK", f"Last answer {words.exact(newest)}.", "works")
    status, lines = collector_status(worst, health)
    began, advice = since(worst, health), to_do(worst.platform, worst.reason)
    where = [f"at {clean(worst.place, 80)}"] if worst.place else []
    at = [f"since {words.stamp(began)}"] if began is not None else []
    said = "; ".join([*where, *at, *lines])
    return Readiness(status, f"{said[:1].upper()}{said[1:]}.{f' {advice}' if advice else ''}", "stopped")


def workers_readiness(found: WorkersReport, now: datetime, *, synthetic: bool) -> Readiness:
    """Say whether a process that reads accounts is running, as far as was heard. `synthetic` is set in the
    demonstration, which needs none.
    """
    if synthetic and not found.workers:
        return Readiness("Not set up", "The demonstration reads in one process, without workers.", "never")
    heard = [w for w in found.workers if w.overall_status(now) is not WorkerStatus.UNHEARD]
    if not heard:
        return Readiness(
            "None heard",
            f"No process that reads accounts reported in the last {HEARD_WITHIN.total_seconds():.0f} s. "
            "Start one with the command “blockline run”.",
            "stopped",
        )
    off = [w for w in heard if w.overall_status(now) is WorkerStatus.CLOCK_OFF]
    if len(off) == len(heard):
        said = f"{_names(off)}: the clock is wrong, so nothing is read. Synchronize it with NTP."
        return Readiness("Failing", said, "stopped")
    sources = sorted({source_words(source) for w in heard if w not in off for source in w.sources})
    reads = f" It can read {', '.join(sources)}." if sources else " It reads no platform."
    last = max(w.heard_at for w in heard)
    return Readiness(
        "Running",
        f"{_names(heard)} reported {words.exact(last)}.{reads}",
        "works" if sources else "stopped",
    )


def _names(workers: Iterable[Worker]) -> str:
    return ", ".join(clean(w.name, 80) for w in workers)
