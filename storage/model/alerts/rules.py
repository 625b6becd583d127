"""Alert rules: which changes are told, to whom, how patiently, and when they are kept back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import NewType
from zoneinfo import ZoneInfo

from storage.model.alerts.quiet_hours import QuietHours, quiet_until
from storage.model.core.accounts import AccountId, ListId, Platform, TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.core.labels import LabelStep

RuleId = NewType("RuleId", int)

DEFAULT_KINDS = frozenset(
    {ChangeKind.BLOCK, ChangeKind.RESTORATION, ChangeKind.PARTIAL, ChangeKind.GONE, ChangeKind.RETURN}
)
LONGEST_WAIT = timedelta(days=366)
ASK_FOR = timedelta(days=3)
"""The time after an incident's newest group in which reminders and escalations are sent."""
MOST_STEPS = 10
MOST_FLAPPING_CHANGES = 100
LONGEST_FLAPPING = timedelta(days=30)
"""Flapping is judged by the alerts of twice this time, so it bounds what a notifier loads."""
_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+@[A-Za-z0-9.-]+")
"""Bare ASCII addresses only: nothing that could be read as two, or as more than an address."""
_CHANNEL = re.compile(r"(apprise|webhook|pagerduty):[a-z0-9-]{1,32}")
_COUNTRY = re.compile(r"[A-Z]{2}")


class RuleFault(ValueError):
    """A rule that cannot be. The message is a clause; `key` is the one whose value is wrong."""

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(fault)
        self.key = key


class Severity(StrEnum):
    """How urgent the changes of a rule are. Critical ones are not kept back by quiet hours."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Digest(StrEnum):
    """Whether a rule tells each wave, or gathers everything for one mail a day or a week."""

    NONE = "none"
    """Waves at once; what is no news waits for a round-up at `digest_at`, if there is anything."""
    DAILY = "daily"
    WEEKLY = "weekly"
    """On Mondays."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which changes a rule is about. What is empty or None matches everything."""

    lists: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    """References of orders."""
    targets: frozenset[TargetKind] = frozenset()
    platforms: frozenset[Platform] = frozenset()
    countries: frozenset[str] = frozenset()
    """Countries in which an account is or was withheld; an account suspended everywhere is in none."""
    kinds: frozenset[ChangeKind] = DEFAULT_KINDS
    tags: frozenset[str] = frozenset()
    """One of them is enough."""
    min_followers: int | None = None
    """Accounts of which no number is on file do not match."""
    executives: bool = False
    """Only changes of accounts that belong to an executive."""
    provisional: bool = False
    """Tell a change already when it is seen first, marked as provisional, and what became of it."""

    @property
    def only(self) -> TargetKind | None:
        """The one kind that it is about; None: accounts and posts."""
        return next(iter(self.targets)) if len(self.targets) == 1 else None


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Whom to tell when an incident has waited for so long since its newest group of changes was sent."""

    after: timedelta
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertRule:
    """Who is told of what, and how patiently changes are gathered."""

    recipients: tuple[str, ...]
    """Mail addresses, `apprise:NAME` or `webhook:NAME`."""
    name: str = "default"
    match: Match = Match()
    zone: str = "UTC"
    """IANA name of the zone that the recipients live in."""
    severity: Severity = Severity.WARNING
    quiet: QuietHours | None = None
    digest: Digest = Digest.NONE
    digest_at: time = time(8)
    remind_every: timedelta | None = None
    """Ask again so often, until somebody acknowledges."""
    escalation: tuple[EscalationStep, ...] = ()
    """Whom to tell when nobody acknowledged, took or closed an incident, one step after the other."""
    engagement: bool = False
    """Tell also when an executive visibly engages with an account that an order names: one that `match` is
    about by its lists, orders, countries, targets, platforms and tags.
    """
    labels: frozenset[LabelStep] = frozenset()
    """Tell also what country labelers begin or cease to withhold: accounts and posts that `match` is about by
    its countries, targets and platforms, and by its lists, tags and followers if it has any.
    """
    networks: bool = False
    """Tell also when the networks of a country, one of `match.countries` if it has any, do not reach a
    platform for days, and when they do again.
    """
    not_if_unreachable: bool = False
    """Send no change while most measurements from each country that it concerns do not reach the platform,
    by what was known when it was recorded.
    """
    settle: timedelta = timedelta(seconds=0.5)
    """A wave is complete when nothing joined it for so long."""
    growth_limit: int = 10
    """A wave that keeps growing is cut after so many times `settle`."""
    update_after: timedelta = timedelta(hours=1)
    """The first update of a story waits so long, the second four times longer; then there are round-ups."""
    flapping_changes: int = 4
    flapping_period: timedelta = timedelta(days=7)
    """An account with so many changes within the period goes back and forth: one mail says so."""

    def __post_init__(self) -> None:
        self._refuse_people()
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            fault = f"{self.zone!r} is not a time zone; write it like Asia/Kolkata"
            raise RuleFault("zone", fault) from error
        for country in self.match.countries:
            if not _COUNTRY.fullmatch(country):
                raise RuleFault("countries", f"{country!r} is not a country code of two capital letters")
        if self.settle <= timedelta(0) or self.growth_limit < 1:
            raise RuleFault("settle", "settle must be longer than zero, and its limit at least 1")
        if self.update_after <= timedelta(0):
            raise RuleFault("update_after", "update_after must be longer than zero")
        self._refuse_waits()
        self._refuse_flapping()
        if self.quiet is not None and self.quiet.begins == self.quiet.ends:
            raise RuleFault("quiet", "quiet hours must not begin and end at the same time")

    def _refuse_flapping(self) -> None:
        if not 2 <= self.flapping_changes <= MOST_FLAPPING_CHANGES:
            fault = f"flapping_changes must be from 2 to {MOST_FLAPPING_CHANGES}"
            raise RuleFault("flapping_changes", fault)
        days, rest = divmod(self.flapping_period, timedelta(days=1))
        if rest or not 1 <= days <= LONGEST_FLAPPING.days:
            fault = f"flapping_period must be whole days from 1d to {LONGEST_FLAPPING.days}d"
            raise RuleFault("flapping_period", fault)

    def _refuse_waits(self) -> None:
        waits = {"settle": self.settle, "update_after": self.update_after, "remind_every": self.remind_every}
        for key, wait in waits.items():
            if wait is not None and wait > LONGEST_WAIT:
                raise RuleFault(key, f"{key} must not be longer than a year")
        if self.remind_every is not None and self.remind_every < timedelta(minutes=1):
            raise RuleFault("remind_every", "remind_every must be at least a minute")
        self._refuse_steps()

    def _refuse_steps(self) -> None:
        if len(self.escalation) > MOST_STEPS:
            raise RuleFault("escalation", f"escalation has more than {MOST_STEPS} steps")
        for n, step in enumerate(self.escalation, 1):
            if not step.to:
                raise RuleFault("escalation", f"step {n} of escalation names nobody; set its `to`")
            if not timedelta(minutes=1) <= step.after <= ASK_FOR:
                fault = f"`after` of step {n} of escalation must be between a minute and 3 days"
                raise RuleFault("escalation", fault)
            if n > 1 and step.after <= self.escalation[n - 2].after:
                fault = f"step {n} of escalation must come later than the step before it"
                raise RuleFault("escalation", fault)

    def _refuse_people(self) -> None:
        if not self.name or not self.name.isprintable() or len(self.name) > 80:
            raise RuleFault("name", "a rule needs a name of 1 to 80 printable characters")
        for key, people in (("recipients", self.recipients), ("escalation", self.escalation_recipients)):
            for recipient in people:
                if not is_recipient(recipient):
                    raise RuleFault(
                        key,
                        f"{recipient!r} is neither a plain mail address such as desk@example.org nor a "
                        "channel such as apprise:newsroom or webhook:desk",
                    )

    @property
    def escalation_recipients(self) -> tuple[str, ...]:
        """Everybody whom a step of its escalation names, each once."""
        return tuple(dict.fromkeys(r for step in self.escalation for r in step.to))

    @property
    def has_notices(self) -> bool:
        """Whether it also sends what is no change of a status."""
        return self.engagement or bool(self.labels) or self.networks

    @property
    def longest_settle(self) -> timedelta:
        """How long something that keeps growing is gathered at most."""
        return self.settle * self.growth_limit

    @property
    def lookback(self) -> timedelta:
        """How much history before the oldest open alert is needed to judge flapping."""
        return 2 * self.flapping_period


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as it stands in the database, which is the one source of truth."""

    rule_id: RuleId
    rule: AlertRule
    enabled: bool
    from_settings: bool
    """It stands in the settings of the installation: it is changed there, and nowhere else."""
    active_since: datetime
    """Since when it has been there, switched on, with its `match`."""
    digested_to: datetime
    """Up to when its digests were told."""
    refused: frozenset[str] = frozenset()
    """Recipients who want no digests and round-ups of it."""

    @property
    def sends_digests(self) -> bool:
        return self.enabled and self.rule.digest is not Digest.NONE and bool(self.rule.recipients)

    @property
    def sends_empty_digests(self) -> bool:
        """Whether its digests also say that nothing changed: not if it is about no kind of change."""
        return self.sends_digests and bool(self.rule.match.kinds)

    def readers(self, recipients: Iterable[str]) -> tuple[str, ...]:
        """Those of them who get its digests, each once."""
        return tuple(r for r in dict.fromkeys(recipients) if r not in self.refused)


@dataclass(frozen=True, slots=True)
class AbsentNames:
    """Names in rules that mean nothing on file."""

    lists: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    """References."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Nobody is told of an account, of a list, or of anything, for a time."""

    mute_id: int
    account_id: AccountId | None
    list_id: ListId | None
    since: datetime
    until: datetime | None
    note: str
    made_by: str

    @property
    def is_maintenance(self) -> bool:
        """It is about everything."""
        return self.account_id is None and self.list_id is None


def is_recipient(text: str) -> bool:
    """Whether something can be told there: a plain mail address, or a channel by its name."""
    return bool(_ADDRESS.fullmatch(text) or _CHANNEL.fullmatch(text))


def is_channel(recipient: str) -> bool:
    return bool(_CHANNEL.fullmatch(recipient))


def is_webhook(recipient: str) -> bool:
    return recipient.startswith("webhook:")


def notice_at(
    rule: AlertRule, first_seen: datetime, last_seen: datetime, last_notice: datetime | None
) -> datetime:
    """When a rule that gathers no digest tells what is no change of a status, first seen between the two
    times: once nothing joins it, at a distance from its last notice, and not in its quiet hours.
    """
    at = min(last_seen + rule.settle, first_seen + rule.longest_settle)
    if last_notice is not None:
        at = max(at, last_notice + rule.update_after)
    return at if rule.severity is Severity.CRITICAL else quiet_until(at, rule.quiet, rule.zone)


def digest_before(now: datetime, rule: AlertRule) -> datetime:
    """The newest time at or before `now` at which a digest of this rule is due."""
    zone = ZoneInfo(rule.zone)
    day = now.astimezone(zone).date()
    if rule.digest is Digest.WEEKLY:
        day -= timedelta(days=day.weekday())
    step = timedelta(days=7 if rule.digest is Digest.WEEKLY else 1)
    due = datetime.combine(day, rule.digest_at, zone).astimezone(UTC)
    return due if due <= now else datetime.combine(day - step, rule.digest_at, zone).astimezone(UTC)


def digest_after(now: datetime, rule: AlertRule) -> datetime:
    """The first time after `now` at which a digest of this rule is due."""
    zone = ZoneInfo(rule.zone)
    last = digest_before(now, rule).astimezone(zone).date()
    step = timedelta(days=7 if rule.digest is Digest.WEEKLY else 1)
    return datetime.combine(last + step, rule.digest_at, zone).astimezone(UTC)
