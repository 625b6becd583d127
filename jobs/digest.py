"""What a mail has to say of a wave: its topics, its counts, and groups of equal changes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jobs.policy import Flap, Wave
from jobs.wording import account_name, day, evidence_words, interval, number
from storage.model.accounts import Platform
from storage.model.alerts import AlertChange, AlertRow, Cohort, Standing
from storage.model.availability import ChangeKind, State, Status
from storage.model.words import capital, change_words, clean, explanation, of_many, short_words, state_words

ACCOUNTS_LISTED = 50
FLAPS_LISTED = 10
"""Accounts that go back and forth come with their changes, so fewer of them."""
COUNTS_LISTED = 8
LISTS_LISTED = 5


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that changed in the same way, in the same interval, on equal evidence."""

    was: str
    when: str
    evidence: str
    accounts: int
    names: tuple[str, ...]
    """The accounts listed in this mail; fewer than `accounts` when there are too many."""


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


@dataclass(frozen=True, slots=True)
class FlapStory:
    name: str
    now: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many accounts of the cohort are in one state, of how many, and what this mail adds."""

    label: str
    share: str
    difference: str


def phrase(change: AlertChange) -> str:
    """What became of an account, so that it can follow "@handle"; after a number see `of_many`."""
    return change_words(change.kind, change.old, change.new, change.platform, change.flags)


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
            by_phrase.setdefault(phrase(alert.change), []).append(alert)
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
        cut = [replace(g, names=g.names[: next(shares)]) for g in groups]
        shown = tuple(g for g in cut if g.names)
        unlisted = len(alerts) - sum(len(g.names) for g in shown)
        n = _accounts(alerts)
        heading = text if n == 1 else of_many(text)
        out.append(Section(heading, _note(alerts[0].change, n), _tone(alerts[0].change), n, shown, unlisted))
    return out


def _note(change: AlertChange, accounts: int) -> str:
    """What the heading over these changes leaves out: they have the same words, so the same explanation."""
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
    for change in sorted((a.change for a in alerts), key=lambda c: (c.first_seen_new, c.change_key)):
        when = interval(change.last_seen_old, change.first_seen_new, zone)
        evidence = evidence_words(change.strength, change.readings)
        alike.setdefault((_was(change), when, evidence), []).append(change)
    out: list[Group] = []
    for (was, when, evidence), changes in alike.items():
        changes.sort(key=lambda c: (c.handle.casefold(), c.change_key))
        names = tuple(account_name(c.platform, c.handle) for c in changes)
        out.append(Group(was, when, evidence, len(names), names))
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


def cohort_lines(wave: Wave, standing: Standing | None) -> list[str]:
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


def counts(wave: Wave, standing: Standing | None) -> list[Count]:
    """The cohort as it stood after this wave, most affected first; states that the wave emptied included."""
    if standing is None or wave.cohort is None:
        return []
    named = wave.cohort.order.named_count if wave.cohort.order else 0
    whole = f"{named:,} named" if named >= standing.watched else f"{standing.watched:,} watched"
    difference = _difference(wave.alerts)
    now = Counter({(platform, state): n for platform, state, n in standing.states})
    touched = set(now) | {held for held, n in difference.items() if n}
    # Words of two platforms may be the same: such accounts are counted together.
    ranks: dict[str, int] = {}
    shown: Counter[str] = Counter()
    more: Counter[str] = Counter()
    for platform, state in touched:
        words = of_many(short_words(state, platform, None))
        ranks[words] = _rank(platform, state)
        shown[words] += now[platform, state]
        more[words] += difference[platform, state]
    ranked = sorted(ranks, key=lambda w: (ranks[w], -shown[w], w))
    rows = [
        Count(words, f"{shown[words]:,} of {whole} accounts", _more(more[words]))
        for words in ranked[:COUNTS_LISTED]
    ]
    if rest := sum(shown[words] for words in ranked[COUNTS_LISTED:]):
        rows.append(Count("in other states", f"{rest:,} of {whole} accounts", ""))
    if unread := standing.watched - shown.total():
        rows.append(Count("watched, not read yet", f"{unread:,} of {whole} accounts", ""))
    if named > standing.watched:
        rows.append(Count("not watched here", f"{named - standing.watched:,} of {whole} accounts", ""))
    return rows


def _difference(alerts: Iterable[AlertRow]) -> Counter[tuple[Platform, State]]:
    """How many more accounts are in each state after these changes than before them."""
    first: dict[int, AlertChange] = {}
    last: dict[int, AlertChange] = {}
    for alert in sorted(alerts, key=lambda a: (a.change.first_seen_new, a.change.change_key)):
        first.setdefault(alert.change.account_id, alert.change)
        last[alert.change.account_id] = alert.change
    out: Counter[tuple[Platform, State]] = Counter()
    for account_id, change in last.items():
        out[change.platform, change.new] += 1
        if (old := first[account_id].old) is not None:
            out[change.platform, old] -= 1
    return out


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


def _rank(platform: Platform, state: State) -> int:
    # On Mastodon the count holds accounts that may as well have been deleted by their owners.
    if state.status is Status.SUSPENDED and platform is Platform.MASTODON:
        return 1
    return 0 if state.status.is_blocked else 1 if state.status.is_gone else 2


def _more(n: int) -> str:
    return f"{abs(n):,} {'more' if n > 0 else 'fewer'}" if n else ""
