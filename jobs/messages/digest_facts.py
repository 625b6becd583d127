"""Pure: what a digest or round-up tells: its changes by cohort, and how well was looked in that time."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobs.alerting.matching import cohort_of
from jobs.alerting.policy import AlertGroup, DigestDue, Flap
from storage.model.alerts.alerts import AlertRow, AlertStage, Cohort, ListStatus, PastAlert
from storage.model.alerts.digest_period import PastCondition, PlatformSilence, RuleAccount, UnsentChanges
from storage.model.core.accounts import Platform
from storage.model.text.states import of_many, short_words
from storage.model.text.target_counts import TargetCount

_CERTAINTY = list(AlertStage)


@dataclass(frozen=True, slots=True)
class DigestCohort:
    """What is told of one cohort."""

    whole: AlertGroup
    """All alerts: what the difference to before is counted from."""
    told: AlertGroup
    """Each change as it was known last, accounts that go back and forth once."""
    standing: ListStatus | None = None
    """Of the cohort at the end of the time."""

    @property
    def cohort(self) -> Cohort | None:
        return self.whole.cohort


@dataclass(frozen=True, slots=True)
class DigestPlatform:
    """How well the watched accounts and posts of one platform were read."""

    platform: Platform
    watched: int
    """Counts accounts and posts, as `read` and `late` do."""
    read: int
    """With a conclusive answer within the time that is told of."""
    late: int
    """Without one for too long at its end, and on the watch for longer."""
    posts: int = 0
    """How many of those watched are posts."""

    @property
    def count(self) -> TargetCount:
        return TargetCount(self.watched - self.posts, self.posts)


@dataclass(frozen=True, slots=True)
class StateNow:
    """A number of accounts, or of posts, with the same status."""

    words: str
    number: int
    is_blocked: bool
    is_post: bool = False


@dataclass(frozen=True, slots=True)
class DigestCoverage:
    """What was looked at between two times: without it, that nothing is told would say nothing."""

    since: datetime
    until: datetime
    late_after: timedelta
    platforms: tuple[DigestPlatform, ...] = ()
    states: tuple[StateNow, ...] = ()
    """The statuses at the end: of the watched accounts, blocked ones first, then of the posts."""
    blocked_late: int = 0
    """Blocked ones that were not read for too long: they stood so when they were read last."""
    asked: int = 0
    """Accounts that all requests of the installation asked for, each time counted."""
    answered: int = 0
    silences: tuple[PlatformSilence, ...] = ()
    troubles: tuple[PastCondition, ...] = ()
    provisional: int = 0
    untold: tuple[UnsentChanges, ...] = ()

    @property
    def watched(self) -> int:
        return sum(p.watched for p in self.platforms)

    @property
    def read(self) -> int:
        return sum(p.read for p in self.platforms)

    @property
    def count(self) -> TargetCount:
        """The watched accounts and posts."""
        return sum((p.count for p in self.platforms), TargetCount())

    @property
    def blocked(self) -> TargetCount:
        blocked = [s for s in self.states if s.is_blocked]
        posts = sum(s.number for s in blocked if s.is_post)
        return TargetCount(sum(s.number for s in blocked) - posts, posts)


@dataclass(frozen=True, slots=True)
class QuietCohorts:
    """Cohorts of which there is nothing new."""

    shown: tuple[tuple[Cohort, ListStatus], ...] = ()
    more: int = 0
    """How many more of them there are."""


@dataclass(frozen=True, slots=True)
class DigestContent:
    """Everything that one digest or round-up says to the same people."""

    due: DigestDue
    parts: tuple[DigestCohort, ...]
    """Those with most accounts and posts first."""
    look: DigestCoverage
    quiet: QuietCohorts = QuietCohorts()

    @property
    def everything(self) -> AlertGroup:
        """All that is told, as if it were one wave of no cohort."""
        alerts = [a for part in self.parts for a in part.told.alerts]
        flaps = tuple(f for part in self.parts for f in part.told.flaps)
        return _wave(self.due, None, alerts, flaps)


def parts_of(due: DigestDue, recipient: str) -> tuple[DigestCohort, ...]:
    """What this recipient is told, by cohort. Of a round-up only the cohorts of which not all was told him by
    another rule.
    """
    if due.is_round_up:
        waves = [part for part in due.parts if recipient in part.recipients]
    else:
        by_cohort: dict[Cohort | None, list[AlertRow]] = {}
        for alert in due.alerts:
            by_cohort.setdefault(cohort_of(alert.cohorts, alert.change.first_seen_new), []).append(alert)
        waves = [_wave(due, cohort, alerts, ()) for cohort, alerts in by_cohort.items()]
    parts = [DigestCohort(wave, _as_told(wave, due)) for wave in waves]
    return tuple(sorted(parts, key=lambda p: (-len(accounts(p.told.alerts)), _name(p.cohort))))


def accounts(alerts: Iterable[AlertRow]) -> set[int]:
    return {a.change.account_id for a in alerts}


def looked(
    found: Sequence[RuleAccount], since: datetime, until: datetime, late_after: timedelta
) -> tuple[tuple[DigestPlatform, ...], tuple[StateNow, ...], int]:
    """How well these accounts and posts were read, how they stood, and how many blocked ones were read too
    long ago.
    """
    late = {w.account_id for w in found if (w.last_read or w.added_at) <= until - late_after}
    platforms = tuple(_platform(p, [w for w in found if w.platform is p], since, late) for p in Platform)
    now: Counter[tuple[str, bool, bool]] = Counter()
    for one in found:
        words = "nothing confirmed yet" if one.state is None else short_words(one.state, one.platform, None)
        now[of_many(words), one.is_blocked, one.is_post] += 1
    states = [StateNow(words, n, is_blocked, is_post) for (words, is_blocked, is_post), n in now.items()]
    states.sort(key=lambda s: (s.is_post, not s.is_blocked, -s.number, s.words))
    blocked_late = sum(w.is_blocked and w.account_id in late for w in found)
    return tuple(p for p in platforms if p.watched), tuple(states), blocked_late


def _platform(
    platform: Platform, found: Sequence[RuleAccount], since: datetime, late: Collection[int]
) -> DigestPlatform:
    return DigestPlatform(
        platform,
        watched=len(found),
        read=sum(w.last_read is not None and w.last_read > since for w in found),
        late=sum(w.account_id in late for w in found),
        posts=sum(w.is_post for w in found),
    )


def _as_told(wave: AlertGroup, due: DigestDue) -> AlertGroup:
    newest: dict[str, AlertRow] = {}
    for alert in wave.alerts:
        known = newest.get(alert.change.change_key)
        if known is None or _CERTAINTY.index(alert.stage) > _CERTAINTY.index(known.stage):
            newest[alert.change.change_key] = alert
    flaps = wave.flaps if due.is_round_up else _flaps(newest.values(), wave.rule.flapping_changes)
    apart = {f.alert.change.account_id: f.alert for f in flaps if not due.is_round_up}
    alerts = [
        a
        for a in newest.values()
        if a.stage is not AlertStage.CONFIRMED or apart.get(a.change.account_id, a) is a
    ]
    return replace(wave, alerts=_in_order(alerts), flaps=flaps)


def _flaps(alerts: Iterable[AlertRow], at_least: int) -> tuple[Flap, ...]:
    """The accounts that changed so often that their changes are told as one story."""
    by_account: dict[int, list[AlertRow]] = {}
    for alert in _in_order(alerts):
        if alert.stage is AlertStage.CONFIRMED:
            by_account.setdefault(alert.change.account_id, []).append(alert)
    return tuple(
        Flap(rows[-1], tuple(PastAlert(a.created_at, a.change) for a in rows))
        for rows in by_account.values()
        if len(rows) >= at_least
    )


def _wave(
    due: DigestDue, cohort: Cohort | None, alerts: Iterable[AlertRow], flaps: tuple[Flap, ...]
) -> AlertGroup:
    return AlertGroup(due.stored, due.recipients, cohort, _in_order(alerts), flaps, due.until, None)


def _in_order(alerts: Iterable[AlertRow]) -> tuple[AlertRow, ...]:
    return tuple(sorted(alerts, key=lambda a: (a.created_at, a.change.change_key, a.stage)))


def _name(cohort: Cohort | None) -> str:
    return cohort.name if cohort is not None else ""
