"""What a mail has to say of a wave: its topics, its counts, and groups of equal changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jobs.alerting.policy import Flap, Wave
from jobs.base.wording import account_name, day, evidence_words, interval, number
from storage.model.alerts.alerts import AlertChange, AlertRow, AlertStage, Cohort, ListStatus
from storage.model.core.availability import ChangeKind, Status
from storage.model.text.states import (
    capital,
    change_words,
    clean,
    explanation,
    of_many,
    short_words,
    state_words,
)

ACCOUNTS_LISTED = 50
FLAPS_LISTED = 10
"""Accounts that go back and forth come with their changes, so fewer of them."""
LISTS_LISTED = 5


@dataclass(frozen=True, slots=True)
class Named:
    """An account in a list."""

    name: str
    account_id: int


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that changed in the same way, in the same interval, on equal evidence."""

    was: str
    when: str
    evidence: str
    accounts: int
    listed: tuple[Named, ...]
    """The accounts listed in this mail; fewer than `accounts` when there are too many."""

    @property
    def more(self) -> int:
        """How many of its accounts are not listed."""
        return self.accounts - len(self.listed)


@dataclass(frozen=True, slots=True)
class Section:
    """All changes of one kind: a heading and its groups."""

    phrase: str
    note: str
    """What the heading has no room for, as a sentence; empty when it says it all."""
    tone: str
    """Which colour the heading has: block, gone, back or other."""
    accounts: int
    groups: tuple[Group, ...]
    unlisted: int
    """Accounts of groups that this mail has no room for at all."""
    lead: str
    """What the time of a group follows: only what is confirmed is said to have happened."""


@dataclass(frozen=True, slots=True)
class FlapStory:
    name: str
    now: str
    changes: tuple[str, ...]


def phrase(change: AlertChange) -> str:
    """What became of an account, so that it can follow "@handle"; after a number see `of_many`."""
    return change_words(change.kind, change.old, change.new, change.platform, change.flags)


def phrase_with_certainty(alert: AlertRow) -> str:
    """`phrase`, with how certain it is."""
    words = phrase(alert.change)
    match alert.stage:
        case AlertStage.CONFIRMED:
            return words
        case AlertStage.PROVISIONAL:
            return f"seen as {words}, not confirmed yet"
        case AlertStage.WITHDRAWN if alert.change.kind is ChangeKind.BASELINE:
            return f"{words}, perhaps so all along"
        case AlertStage.WITHDRAWN:
            return f"seen as {words}, not confirmed after all"
        case AlertStage.UNRESOLVED:
            return f"seen as {words}, no longer watched"


def basis(alert: AlertRow) -> str:
    """What the telling rests on."""
    words = evidence_words(alert.change.strength, alert.change.readings)
    match alert.stage:
        case AlertStage.CONFIRMED:
            return f"confirmed on {words}"
        case AlertStage.PROVISIONAL | AlertStage.UNRESOLVED:
            return f"seen so far: {words}"
        case AlertStage.WITHDRAWN:
            return f"what was told rested on {words}"


def _was(change: AlertChange) -> str:
    return short_words(change.old, change.platform, None)


def _now(change: AlertChange) -> str:
    return short_words(change.new, change.platform, change.flags)


def topics(wave: Wave) -> list[tuple[str, list[AlertRow]]]:
    """The changes of a wave by what became of the accounts, most accounts first. Flapping ones are apart."""
    apart = {f.alert.alert_id for f in wave.flaps}
    by_phrase: dict[str, list[AlertRow]] = {}
    for alert in wave.alerts:
        if alert.alert_id not in apart:
            by_phrase.setdefault(phrase_with_certainty(alert), []).append(alert)
    return sorted(by_phrase.items(), key=lambda t: (-_accounts(t[1]), t[0]))


def flap_phrase(flaps: Sequence[Flap]) -> str:
    states = {_now(f.alert.change) for f in flaps}
    return f"going back and forth (now {states.pop()})" if len(states) == 1 else "going back and forth"


def cohort_name(cohort: Cohort | None) -> str:
    if cohort is None:
        return "on no list"
    return f"order {clean(cohort.order.reference)}" if cohort.order else f"list {clean(cohort.name)}"


def sections(wave: Wave, zone: str) -> list[Section]:
    """The changes of the wave, listing at most `ACCOUNTS_LISTED` accounts, shared out over all intervals."""
    told = [(text, alerts, _groups(alerts, zone)) for text, alerts in topics(wave)]
    shares = iter(_share_out([g.accounts for _, _, groups in told for g in groups], ACCOUNTS_LISTED))
    out: list[Section] = []
    for text, alerts, groups in told:
        cut = [replace(g, listed=g.listed[: next(shares)]) for g in groups]
        shown = tuple(g for g in cut if g.listed)
        unlisted = sum(g.accounts for g in cut if not g.listed)
        n = _accounts(alerts)
        heading = text if n == 1 else of_many(text)
        tone = _tone(alerts[0].change) if alerts[0].stage is AlertStage.CONFIRMED else "other"
        lead = _LEADS[alerts[0].stage]
        out.append(Section(heading, _note(alerts[0], n), tone, n, shown, unlisted, lead))
    return out


_LEADS = {
    AlertStage.CONFIRMED: "Happened",
    AlertStage.PROVISIONAL: "If so, it happened",
    AlertStage.UNRESOLVED: "If so, it happened",
    AlertStage.WITHDRAWN: "It was reported to have happened",
}


def _note(alert: AlertRow, accounts: int) -> str:
    """What the heading over these changes leaves out: they have the same words, so the same explanation."""
    change = alert.change
    if alert.stage is AlertStage.WITHDRAWN and change.kind is ChangeKind.BASELINE:
        return "An earlier email reported this as a change. Since when it has been so is not known."
    if alert.stage is AlertStage.WITHDRAWN:
        return "An earlier mail told this. Later readings do not bear it out."
    if alert.stage is AlertStage.UNRESOLVED:
        who = "The account" if accounts == 1 else "Each account"
        return (
            f"An earlier email reported this as not confirmed yet. {who} left the watch before further "
            "readings could decide: whether it was so stays unknown."
        )
    if alert.stage is AlertStage.PROVISIONAL:
        return "Seen, and not confirmed yet: further readings decide, and you are told either way."
    more = explanation(change.new, change.platform, change.flags)
    if not more or change.kind in {ChangeKind.RESTORATION, ChangeKind.RETURN}:
        return ""
    return f"{capital(more)}." if accounts == 1 else f"In each case {more}."


def _share_out(sizes: Sequence[int], total: int) -> list[int]:
    """Shares of at most `total` places: small groups whole, the large ones what is left in equal parts."""
    shares = [0] * len(sizes)
    for done, i in enumerate(sorted(range(len(sizes)), key=lambda i: (sizes[i], i))):
        shares[i] = min(sizes[i], -(-total // (len(sizes) - done)))
        total -= shares[i]
    return shares


def _groups(alerts: Iterable[AlertRow], zone: str) -> list[Group]:
    """Alerts that read the same, in the order of their onset."""
    alike: dict[tuple[str, str, str], list[AlertChange]] = {}
    for alert in sorted(alerts, key=lambda a: (a.change.first_seen_new, a.change.change_key)):
        change = alert.change
        when = interval(change.last_seen_old, change.first_seen_new, zone)
        evidence = basis(alert)
        alike.setdefault((_was(change), when, evidence), []).append(change)
    out: list[Group] = []
    for (was, when, evidence), changes in alike.items():
        changes.sort(key=lambda c: (c.handle.casefold(), c.change_key))
        listed = tuple(Named(account_name(c.platform, c.handle), c.account_id) for c in changes)
        out.append(Group(was, when, evidence, len(listed), listed))
    return out


def flap_stories(wave: Wave, zone: str) -> list[FlapStory]:
    out: list[FlapStory] = []
    for flap in sorted(wave.flaps, key=_by_handle)[:FLAPS_LISTED]:
        change = flap.alert.change
        lines = tuple(
            f"{_was(p.change)} → {_now(p.change)}, "
            f"{interval(p.change.last_seen_old, p.change.first_seen_new, zone)}; "
            f"{evidence_words(p.change.strength, p.change.readings)}"
            for p in flap.changes
        )
        now = state_words(change.new, change.platform, change.flags)
        out.append(FlapStory(account_name(change.platform, change.handle), now, lines))
    return out


def _by_handle(flap: Flap) -> tuple[str, str]:
    return flap.alert.change.handle.casefold(), flap.alert.change.change_key


def cohort_lines(wave: Wave, standing: ListStatus | None) -> list[str]:
    """Which accounts the counts speak of, with every denominator named."""
    if wave.cohort is None or standing is None:
        return []
    order = wave.cohort.order
    if order is None:
        return [f"List {clean(wave.cohort.name)}: {number(standing.watched, 'account')} watched."]
    return [
        f"Order {clean(order.reference)} ({clean(order.country, 8)}), issued {day(order.issued_at)}, "
        f"names {number(order.named_count, 'account')}; {standing.watched:,} of them are watched here."
    ]


def other_lists(wave: Wave) -> str | None:
    """On which other lists and orders accounts of this mail are."""
    found: dict[str, set[int]] = {}
    for alert in wave.alerts:
        for cohort in alert.cohorts:
            if cohort != wave.cohort:
                found.setdefault(cohort_name(cohort), set()).add(alert.change.account_id)
    if not found:
        return None
    by_size = sorted(found.items(), key=lambda f: (-len(f[1]), f[0]))
    named = [f"{name} ({number(len(ids), 'account')})" for name, ids in by_size[:LISTS_LISTED]]
    if len(by_size) > LISTS_LISTED:
        named.append(f"{len(by_size) - LISTS_LISTED} more")
    return f"Also on: {', '.join(named)}."


def _accounts(alerts: Iterable[AlertRow]) -> int:
    return len({a.change.account_id for a in alerts})


def _tone(change: AlertChange) -> str:
    match change.kind:
        case ChangeKind.BLOCK | ChangeKind.PARTIAL:
            return "suspended" if change.new.status is Status.SUSPENDED else "withheld"
        case ChangeKind.RESTORATION | ChangeKind.RETURN:
            return "back"
        case ChangeKind.GONE:
            return "gone"
        case _:
            return "other"
