"""What a mail has to say of a wave: its topics, its counts, and groups of equal changes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.alerting.policy import AlertGroup, Flap
from jobs.base.wording import account_name, day, evidence_words, interval, zoned_minute
from storage.model.alerts.alerts import (
    AlertChange,
    AlertRow,
    AlertStage,
    Cohort,
    Joined,
    ListStatus,
    count_targets,
)
from storage.model.core.availability import ChangeKind, State, Status
from storage.model.text.states import (
    capital,
    change_words,
    clean,
    explanation,
    of_many,
    short_words,
    state_words,
)
from storage.model.text.target_counts import TargetCount

ACCOUNTS_LISTED = 50
FLAPS_LISTED = 10
"""Accounts that go back and forth come with their changes, so fewer of them."""
LISTS_LISTED = 5


@dataclass(frozen=True, slots=True)
class Named:
    """An account or a post in a list."""

    name: str
    account_id: int


@dataclass(frozen=True, slots=True)
class GroupStep:
    """One of several changes of the same accounts."""

    phrase: str
    when: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts and posts that changed in the same way, in the same interval, on equal evidence."""

    was: str
    """What they were before all that is told of them."""
    when: str
    evidence: str
    count: TargetCount
    listed: tuple[Named, ...]
    """Those listed in this mail; fewer than `count` when there are too many."""
    steps: tuple[GroupStep, ...] = ()
    """The changes in their order, where each account had several; else `when` and `evidence` say it all."""

    @property
    def more(self) -> int:
        """How many of them are not listed."""
        return self.count.total - len(self.listed)


@dataclass(frozen=True, slots=True)
class Section:
    """All changes of one kind: a heading and its groups."""

    phrase: str
    note: str
    """What the heading has no room for, as a sentence; empty when it says it all."""
    tone: str
    """Which colour the heading has: block, gone, back or other."""
    count: TargetCount
    groups: tuple[Group, ...]
    unlisted: TargetCount
    """Those of groups that this mail has no room for at all."""
    lead: str
    """What the time of a group follows: only what is confirmed is said to have happened."""


@dataclass(frozen=True, slots=True)
class _Topic:
    """Accounts and posts with the same outcome."""

    phrase: str
    courses: list[tuple[AlertRow, ...]]
    """The confirmed changes of each account in their order, or one alert that is not confirmed."""
    is_retold: bool

    @property
    def alerts(self) -> list[AlertRow]:
        """The newest of each course."""
        return [course[-1] for course in self.courses]

    @property
    def count(self) -> TargetCount:
        return count_of(self.alerts)


@dataclass(frozen=True, slots=True)
class FlapStory:
    name: str
    now: str
    changes: tuple[str, ...]


def phrase(change: AlertChange) -> str:
    """What became of an account, so that it can follow "@handle"; after a number see `of_many`."""
    return change_words(change.kind, change.old, change.new, change.platform, change.flags)


def course_phrase(course: Sequence[AlertChange]) -> str:
    """What became of an account in several changes: "available again after being withheld in India (IN)"."""
    *earlier, last = course
    now = _step_phrase(last)
    if not earlier:
        return phrase(last)
    if len(earlier) == 1 and last.kind in _BACK and last.old == earlier[0].new:
        was = _now(earlier[0])
        return f"{was}, then no longer" if now == f"no longer {was}" else f"{now} after being {was}"
    said: list[str] = []
    for change in course:
        words = _step_phrase(change)
        said.append(f"{words} again" if words in said and not words.endswith("again") else words)
    return ", then ".join(said)


_BACK = {ChangeKind.RESTORATION, ChangeKind.RETURN}


def _step_phrase(change: AlertChange) -> str:
    """`phrase`, where what was before is said as well."""
    if change.kind is ChangeKind.PARTIAL:
        return _now(change)
    return change_words(change.kind, change.old, change.new, change.platform, change.flags, before=False)


def settled(wave: AlertGroup) -> AlertGroup:
    """The wave with the last word about each change alone: what was taken back is not told as confirmed."""
    words: dict[tuple[int, datetime, State], list[int]] = {}
    for alert in wave.alerts:
        change = alert.change
        words.setdefault((change.account_id, change.first_seen_new, change.new), []).append(alert.alert_id)
    last = {max(ids): len(ids) > 1 for ids in words.values()}
    alerts = tuple(a for a in wave.alerts if a.alert_id in last)
    return replace(wave, alerts=alerts, retold=frozenset(i for i, is_retold in last.items() if is_retold))


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


def basis(alert: AlertRow, *, is_retold: bool = False) -> str:
    """What a report of this alert rests on."""
    words = evidence_words(alert.change.strength, alert.change.readings)
    match alert.stage:
        case AlertStage.CONFIRMED:
            return f"confirmed on {words}"
        case AlertStage.PROVISIONAL | AlertStage.UNRESOLVED:
            return f"seen so far: {words}"
        case AlertStage.WITHDRAWN if is_retold:
            return f"it rested on {words}"
        case AlertStage.WITHDRAWN:
            return f"the earlier report rested on {words}"


def _was(change: AlertChange) -> str:
    return short_words(change.old, change.platform, None)


def _now(change: AlertChange) -> str:
    return short_words(change.new, change.platform, change.flags)


def topics(wave: AlertGroup) -> list[tuple[str, list[AlertRow]]]:
    """The changes of a wave, each by itself, by what became of the accounts, most accounts first.

    Flapping ones are apart.
    """
    apart = {f.alert.alert_id for f in wave.flaps}
    by_phrase: dict[str, list[AlertRow]] = {}
    for alert in wave.alerts:
        if alert.alert_id not in apart:
            by_phrase.setdefault(phrase_with_certainty(alert), []).append(alert)
    return sorted(by_phrase.items(), key=lambda t: (-count_of(t[1]).total, t[0]))


def course_topics(wave: AlertGroup) -> list[_Topic]:
    """The same with all confirmed changes of an account together: what became of it in the end, and how."""
    apart = {p.change.change_key for f in wave.flaps for p in f.changes}
    courses: dict[tuple[int, int | None], list[AlertRow]] = {}
    for alert in wave.alerts:
        if alert.stage is not AlertStage.CONFIRMED:
            courses[alert.change.account_id, alert.alert_id] = [alert]
        elif alert.change.change_key not in apart:
            courses.setdefault((alert.change.account_id, None), []).append(alert)
    found: dict[tuple[str, bool], _Topic] = {}
    for alerts in courses.values():
        course = tuple(sorted(alerts, key=lambda a: (a.change.first_seen_new, a.change.change_key)))
        is_one = len(course) == 1
        text = phrase_with_certainty(course[0]) if is_one else course_phrase([a.change for a in course])
        is_retold = course[0].stage is not AlertStage.CONFIRMED and course[0].alert_id in wave.retold
        found.setdefault((text, is_retold), _Topic(text, [], is_retold)).courses.append(course)
    return sorted(found.values(), key=lambda t: (-t.count.total, t.phrase, t.is_retold))


def flap_phrase(flaps: Sequence[Flap]) -> str:
    states = {_now(f.alert.change) for f in flaps}
    return f"going back and forth (now {states.pop()})" if len(states) == 1 else "going back and forth"


def cohort_name(cohort: Cohort | None) -> str:
    if cohort is None:
        return "on no list"
    return f"order {clean(cohort.order.reference)}" if cohort.order else f"list {clean(cohort.name)}"


def sections(wave: AlertGroup, zone: str) -> list[Section]:
    """The changes of the wave, listing at most `ACCOUNTS_LISTED` accounts, shared out over all intervals."""
    by_topic = [(topic, _groups(topic, zone)) for topic in course_topics(wave)]
    shares = iter(_share_out([g.count.total for _, groups in by_topic for g in groups], ACCOUNTS_LISTED))
    out: list[Section] = []
    for topic, groups in by_topic:
        cut = [replace(g, listed=g.listed[: next(shares)]) for g in groups]
        shown = tuple(g for g in cut if g.listed)
        unlisted = sum((g.count for g in cut if not g.listed), TargetCount())
        head = heading(topic.phrase, topic.alerts, is_retold=topic.is_retold)
        out.append(replace(head, groups=shown, unlisted=unlisted))
    return out


def heading(text: str, alerts: Sequence[AlertRow], *, is_retold: bool = False) -> Section:
    """The section of these alerts, which have the same words, without its groups."""
    count, first = count_of(alerts), alerts[0]
    phrase = text if count.total == 1 else of_many(text)
    tone = _tone(first.change) if first.stage is AlertStage.CONFIRMED else "other"
    if is_retold:
        note, lead = _note_retold(first, count), _LEADS_RETOLD[first.stage]
    else:
        note, lead = _note(first, count), _LEADS[first.stage]
    return Section(phrase, note, tone, count, (), TargetCount(), lead)


_LEADS = {
    AlertStage.CONFIRMED: "Happened",
    AlertStage.PROVISIONAL: "If so, it happened",
    AlertStage.UNRESOLVED: "If so, it happened",
    AlertStage.WITHDRAWN: "It was reported to have happened",
}
_LEADS_RETOLD = {**_LEADS, AlertStage.WITHDRAWN: "It seemed to have happened"}


def _note(alert: AlertRow, count: TargetCount) -> str:
    """What the heading over these changes leaves out: they have the same words, so the same explanation."""
    change = alert.change
    if alert.stage is AlertStage.WITHDRAWN and change.kind is ChangeKind.BASELINE:
        return "An earlier email reported this as a change. When it began is not known."
    if alert.stage is AlertStage.WITHDRAWN:
        return "An earlier email reported this. Later readings do not support it."
    if alert.stage is AlertStage.UNRESOLVED:
        return (
            f"An earlier email reported this as provisional. {count.each} was no longer watched before "
            "further readings could decide, so whether it happened stays unknown."
        )
    if alert.stage is AlertStage.PROVISIONAL:
        return (
            "Seen, but not confirmed yet. Further readings will decide, and you will be notified either way."
        )
    more = explanation(change.new, change.platform, change.flags)
    if not more or change.kind in {ChangeKind.RESTORATION, ChangeKind.RETURN}:
        return ""
    if count.posts and change.new.status is not Status.WITHHELD:
        # What platforms explain of these statuses is about accounts.
        whose = TargetCount(count.accounts).nouns
        return f"About the {whose}: {more}." if count.accounts else ""
    return f"{capital(more)}." if count.total == 1 else f"In each case {more}."


def _note_retold(alert: AlertRow, count: TargetCount) -> str:
    """The same where no earlier mail told what is answered here."""
    if alert.stage is AlertStage.WITHDRAWN and alert.change.kind is ChangeKind.BASELINE:
        return "It was first recorded as a change. When it began is not known."
    if alert.stage is AlertStage.WITHDRAWN:
        return "It was recorded at first. Later readings do not support it."
    if alert.stage is AlertStage.UNRESOLVED:
        return (
            f"It was not confirmed. {count.each} was no longer watched before further readings could decide, "
            "so whether it happened stays unknown."
        )
    return _note(alert, count)


def _share_out(sizes: Sequence[int], total: int) -> list[int]:
    """Shares of at most `total` places: small groups whole, the large ones what is left in equal parts."""
    shares = [0] * len(sizes)
    for done, i in enumerate(sorted(range(len(sizes)), key=lambda i: (sizes[i], i))):
        shares[i] = min(sizes[i], -(-total // (len(sizes) - done)))
        total -= shares[i]
    return shares


def _groups(topic: _Topic, zone: str) -> list[Group]:
    """Accounts that read the same, in the order of their onset."""
    alike: dict[tuple[str, tuple[GroupStep, ...]], list[AlertChange]] = {}
    for course in sorted(topic.courses, key=lambda c: (c[0].change.first_seen_new, c[0].change.change_key)):
        steps = tuple(_step(alert, zone, is_retold=topic.is_retold) for alert in course)
        alike.setdefault((_was(course[0].change), steps), []).append(course[-1].change)
    out: list[Group] = []
    for (was, steps), changes in alike.items():
        changes.sort(key=lambda c: (c.handle.casefold(), c.change_key))
        listed = tuple(Named(account_name(c.platform, c.handle), c.account_id) for c in changes)
        if len(listed) > 1:
            steps = tuple(replace(s, phrase=of_many(s.phrase)) for s in steps)
        when = ", then ".join(s.when for s in steps)
        evidence = "; then ".join(s.evidence for s in steps)
        count = count_targets(changes)
        out.append(Group(was, when, evidence, count, listed, steps if len(steps) > 1 else ()))
    return out


def _step(alert: AlertRow, zone: str, *, is_retold: bool) -> GroupStep:
    change = alert.change
    when = interval(change.last_seen_old, change.first_seen_new, zone)
    return GroupStep(capital(_step_phrase(change)), when, basis(alert, is_retold=is_retold))


def flap_stories(wave: AlertGroup, zone: str) -> list[FlapStory]:
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


def cohort_lines(wave: AlertGroup, status: ListStatus | None) -> list[str]:
    """Which accounts and posts the counts speak of, with every denominator named."""
    if wave.cohort is None or status is None:
        return []
    order, posts = wave.cohort.order, 0 if status.posts is None else status.posts.watched
    if order is None:
        return [f"List {clean(wave.cohort.name)}: {TargetCount(status.watched, posts).words()} watched."]
    head = f"Order {clean(order.reference)} ({clean(order.country, 8)}), issued {day(order.issued_at)}, "
    if posts and not order.named_count and not status.watched:
        return [f"{head}names posts; {posts:,} of them {'is' if posts == 1 else 'are'} watched here."]
    also = f" and {posts:,} of its posts" if posts else ""
    named = TargetCount(order.named_count).words()
    return [f"{head}names {named}; {status.watched:,} of them{also} are watched here."]


def other_lists(wave: AlertGroup) -> str | None:
    """On which other lists and orders accounts and posts of this mail are."""
    found: dict[str, list[AlertChange]] = {}
    for alert in wave.alerts:
        for cohort in alert.cohorts:
            if cohort != wave.cohort:
                found.setdefault(cohort_name(cohort), []).append(alert.change)
    if not found:
        return None
    counted = [(name, count_targets(changes)) for name, changes in found.items()]
    by_size = sorted(counted, key=lambda f: (-f[1].total, f[0]))
    named = [f"{name} ({count.words()})" for name, count in by_size[:LISTS_LISTED]]
    if len(by_size) > LISTS_LISTED:
        named.append(f"{len(by_size) - LISTS_LISTED} more")
    return f"Also on: {', '.join(named)}."


def count_of(alerts: Iterable[AlertRow]) -> TargetCount:
    """How many accounts and posts these alerts are about, each counted once."""
    return count_targets(a.change for a in alerts)


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


def late_words(alerts: Sequence[AlertRow], cohort: Cohort | None, zone: str, when: str = "now") -> str | None:
    """Why these could not be told under this order or list before, as a clause; None when they could.

    `when` it was told: "now", or "then" for a reader who looks back.
    """
    if cohort is None:
        return None
    late = [(a, joined) for a in alerts if (joined := _after(a, cohort)) is not None]
    if not late:
        return None
    count, name = count_of(a for a, _ in late), cohort_name(cohort)
    if count == count_of(alerts):
        note = f"Reported under {name} only {when}"
    else:
        verb = "is" if count.total == 1 else "are"
        note = f"{count.words()} in this email {verb} reported under {name} only {when}"
    seen = "the change was seen" if len(late) == 1 else "the changes were seen"
    return f"{note}, because {_came(cohort, [j for _, j in late], count, zone)}, after {seen}"


def _after(alert: AlertRow, cohort: Cohort) -> Joined | None:
    """How the account came under the cohort, if that was after its change was confirmed or first seen.

    What is taken back is told to those who were told, whatever the account is on.
    """
    joined = alert.joined.get(cohort.list_id)
    if joined is None or alert.stage.is_answer or joined.at <= alert.created_at:
        return None
    return joined


def _came(cohort: Cohort, joined: Sequence[Joined], count: TargetCount, zone: str) -> str:
    last = max(j.at for j in joined)
    on = (" on " if len({j.at for j in joined}) == 1 else ", the last on ") + zoned_minute(last, zone)
    who = f"the {count.nouns}"
    if cohort.order is not None and all(j.by_entry for j in joined):
        return f"the order, which names {who}, was entered{on}"
    was = "was" if count.total == 1 else "were"
    return f"{who} {was} put {'under' if cohort.order is not None else 'on'} it{on}"
