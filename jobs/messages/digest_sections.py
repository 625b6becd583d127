"""Pure: the changes of a cohort as a digest lists them: by kind, and equal ones together, whenever they were.

A mail about one wave tells each interval. In a digest of a day or a week these would be hundreds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from jobs.alerting.policy import AlertGroup
from jobs.base.wording import account_name, interval
from jobs.messages import wave_content
from jobs.messages.wave_content import Group, Named, Section
from storage.model.alerts.alerts import AlertChange, AlertRow, count_targets
from storage.model.text.states import short_words

APART = timedelta(hours=18)
"""Equal changes that nothing connects for so long are told apart. A night does not part them."""


def sections(wave: AlertGroup, zone: str, most: int) -> list[Section]:
    """The changes of the wave, equal ones with the time in which all happened; `most` accounts by name."""
    by_topic = [(wave_content.heading(text, alerts), _groups(alerts, zone)) for text, alerts in topics(wave)]
    places = iter(shares([group.count.total for _, groups in by_topic for group in groups], most, 1))
    out: list[Section] = []
    for section, groups in by_topic:
        shown = tuple(replace(g, listed=g.listed[: next(places)]) for g in groups)
        out.append(replace(section, groups=shown))
    return out


def topics(wave: AlertGroup) -> list[tuple[str, list[AlertRow]]]:
    """The changes by what became of the accounts, most accounts first, among equals in the order of time."""
    found = sorted(wave_content.topics(wave), key=lambda t: min(a.change.first_seen_new for a in t[1]))
    return sorted(found, key=lambda t: -wave_content.count_of(t[1]).total)


def shares(sizes: Sequence[int], total: int, least: int) -> list[int]:
    """How many of each are listed: small ones whole, the large ones what is left in equal parts.

    Every one gets `least`, even if that makes more than `total`.
    """
    out = [0] * len(sizes)
    for done, i in enumerate(sorted(range(len(sizes)), key=lambda i: (sizes[i], i))):
        out[i] = min(sizes[i], max(least, total // (len(sizes) - done)))
        total = max(0, total - out[i])
    return out


def _groups(alerts: Iterable[AlertRow], zone: str) -> list[Group]:
    alike: dict[tuple[str, str, bool], list[AlertChange]] = {}
    for alert in sorted(alerts, key=lambda a: (a.change.first_seen_new, a.change.change_key)):
        change = alert.change
        was = short_words(change.old, change.platform, None)
        # Of what was never read before only one end is known: it does not widen the time of the others.
        alike.setdefault((was, wave_content.basis(alert), change.last_seen_old is None), []).append(change)
    return [
        _group(was, evidence, burst, zone)
        for (was, evidence, _), changes in alike.items()
        for burst in _bursts(changes)
    ]


def _bursts(changes: Iterable[AlertChange]) -> list[list[AlertChange]]:
    """What came in one go, or day after day, is one; after a long silence another one begins."""
    out: list[list[AlertChange]] = []
    for change in changes:
        if out and (change.last_seen_old or change.first_seen_new) - out[-1][-1].first_seen_new < APART:
            out[-1].append(change)
        else:
            out.append([change])
    return out


def _group(was: str, evidence: str, changes: Sequence[AlertChange], zone: str) -> Group:
    begins = [c.last_seen_old for c in changes if c.last_seen_old is not None]
    when = interval(min(begins, default=None), max(c.first_seen_new for c in changes), zone)
    is_one = len({(c.last_seen_old, c.first_seen_new) for c in changes}) == 1
    named = sorted(changes, key=lambda c: (c.handle.casefold(), c.change_key))
    return Group(
        was,
        when if is_one else f"each at its own time {when}",
        evidence,
        count_targets(changes),
        tuple(Named(account_name(c.platform, c.handle), c.account_id) for c in named),
    )
