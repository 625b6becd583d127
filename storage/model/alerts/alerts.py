"""From a confirmed change to a mail that a server accepted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from storage.model.core.accounts import AccountId, ListId, Platform, TargetKind
from storage.model.core.availability import ChangeKind, Flag, State, Strength
from storage.model.text.target_counts import TargetCount


class AlertStage(StrEnum):
    """How certain what an alert tells is: of two stages of one change the later one here is the last word."""

    PROVISIONAL = "provisional"
    """Seen, and not confirmed yet. Only rules that ask for it tell it."""
    UNRESOLVED = "unresolved"
    """What was told as provisional stays unknown: nobody reads the account any more."""
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    """What was told before was not so, or was not confirmed: who was told is told this too."""

    @property
    def is_answer(self) -> bool:
        """It is only told to those who were told an earlier stage."""
        return self in {AlertStage.WITHDRAWN, AlertStage.UNRESOLVED}


class AlertDecision(StrEnum):
    """What a rule did with an alert, and why. Stored and shown."""

    MAILED = "mailed"
    """Told in a mail of its own."""
    GROUPED = "grouped"
    """Told in one mail with the rest of its wave, or in a digest."""
    ANSWERED = "answered"
    """Told in a reply, to those only who had been told of it before; the rule itself is silent about it."""
    WAITING = "waiting"
    """Its wave may still grow."""
    SPACED = "spaced"
    """Its story was told lately: it is gathered for the next update."""
    QUIET = "quiet"
    """It is kept until the quiet hours of the rule are over."""
    DIGEST = "digest"
    """It is kept for the next digest of the rule."""
    MUTED = "muted"
    MAINTENANCE = "maintenance"
    UNREACHABLE = "unreachable"
    """The rule does not send it while most measurements from its countries do not reach the platform."""
    DUPLICATE = "duplicate"
    """An earlier rule told it to the same people."""
    NO_RULE = "no_rule"
    NO_RECIPIENT = "no_recipient"
    """The rule that matches names nobody."""
    FLAPPING = "flapping"
    """The account goes back and forth; one mail said so and the rest is held together with it."""
    UNSUBSCRIBED = "unsubscribed"
    """It was for a digest or a round-up, and none of the recipients wants these."""
    SUPERSEDED = "superseded"
    """It was confirmed before it was told as provisional: that is told instead."""
    CORRECTED = "corrected"
    """A later reading shows that it was not so, or not yet: nobody is told."""
    UNWATCHED = "unwatched"
    """The account left the watch before it was told as provisional: nobody is told."""

    @property
    def is_open(self) -> bool:
        """The last word is not spoken."""
        return self in {
            AlertDecision.WAITING,
            AlertDecision.SPACED,
            AlertDecision.QUIET,
            AlertDecision.DIGEST,
        }

    @property
    def is_sent(self) -> bool:
        return self in {AlertDecision.MAILED, AlertDecision.GROUPED, AlertDecision.ANSWERED}


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    """Set only after the server accepted."""
    DEAD = "dead"
    """Given up, with the reason kept; shown on the dashboard."""
    MERGED = "merged"
    """Never accepted by a server, and said by a later mail, which says both."""


@dataclass(frozen=True, slots=True)
class OrderRef:
    """What a mail needs to name a legal order."""

    reference: str
    country: str
    issued_at: datetime
    named_count: int
    """How many accounts it names."""
    listed_posts: int = 0
    """How many posts are on its list: an order does not state how many it names."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """A watch list that an account is on, with the order that it belongs to, if any."""

    list_id: ListId
    name: str
    order: OrderRef | None


@dataclass(frozen=True, slots=True)
class Joined:
    """How an account came under a cohort."""

    at: datetime
    by_entry: bool
    """Its order was entered then; the account was on the list of it before. Else it was put on the list."""


@dataclass(frozen=True, slots=True)
class AlertChange:
    """A confirmed change as a mail tells it."""

    change_key: str
    account_id: AccountId
    platform: Platform
    handle: str
    """As last seen; written by a stranger."""
    old: State | None
    new: State
    kind: ChangeKind
    strength: Strength
    last_seen_old: datetime | None
    first_seen_new: datetime
    readings: int
    """How many agreeing readings confirmed it."""
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed the new state first."""
    is_post: bool = False
    """It is about a post, whose handle is AUTHOR/ID, and not about an account."""

    @property
    def target(self) -> TargetKind:
        return TargetKind.POSTS if self.is_post else TargetKind.ACCOUNTS


def count_targets(changes: Iterable[AlertChange]) -> TargetCount:
    """The accounts and posts of these changes, each counted once."""
    is_post = {change.account_id: change.is_post for change in changes}
    posts = sum(is_post.values())
    return TargetCount(len(is_post) - posts, posts)


@dataclass(frozen=True, slots=True)
class LastWord:
    """What one recipient was last told of a change."""

    stage: AlertStage
    rule_id: int
    """The rule that told it, a digest only where no other one did."""
    rules: frozenset[int]
    """All that told this recipient of the change."""
    by_digest: bool = False
    """Only digests told it."""
    message_id: str | None = None
    """Of the mail by which `rule_id` told it; None where mails are only simulated."""
    story_id: int | None = None
    """Of that mail; None when it told no story."""

    def then(self, later: "LastWord") -> "LastWord":
        """With what was told after it. A digest repeats what others told, and answers for nobody else."""
        answers = self if later.by_digest and not self.by_digest else later
        return replace(answers, stage=later.stage, rules=self.rules | later.rules)

    def asks_for(self, stage: AlertStage) -> bool:
        """Whether it is no longer the truth once the change is at `stage`."""
        if stage is AlertStage.UNRESOLVED:
            return self.stage is AlertStage.PROVISIONAL
        return stage not in (self.stage, AlertStage.PROVISIONAL)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One change that waits for the decision of at least one rule."""

    alert_id: int
    created_at: datetime
    """When the change was confirmed, first seen or taken back (see `stage`), in the monitor's time."""
    change: AlertChange
    cohorts: tuple[Cohort, ...]
    """Every list of the account, sorted by name."""
    stage: AlertStage = AlertStage.CONFIRMED
    tags: frozenset[str] = frozenset()
    followers: int | None = None
    is_executive: bool = False
    done: frozenset[int] = frozenset()
    """The rules whose decision about it is final."""
    held: frozenset[int] = frozenset()
    """The rules that keep it for later."""
    owed: Mapping[str, LastWord] = field(default_factory=dict[str, LastWord])
    """Recipients to whom it is owed: what they were last told of the change is not the truth any more."""
    heard: frozenset[str] = frozenset()
    """Recipients who were told it already."""
    joined: Mapping[ListId, Joined] = field(default_factory=dict[ListId, Joined])
    """How the account came under each of its cohorts."""

    @property
    def told_by(self) -> frozenset[int]:
        """The rules that told an earlier stage of the same change."""
        return frozenset(rule_id for word in self.owed.values() for rule_id in word.rules)


@dataclass(frozen=True, slots=True)
class PastAlert:
    """An alert of the last weeks, decided or not: what flapping is judged by."""

    created_at: datetime
    change: AlertChange
    decisions: Mapping[int, AlertDecision] = field(default_factory=dict[int, AlertDecision])
    """What each rule has decided so far, by its number."""


@dataclass(frozen=True, slots=True)
class SentWave:
    """One wave of a story, as it was told."""

    closed_at: datetime
    """When it was complete: the pause before the next one counts from here."""
    as_of: datetime
    told: Mapping[str, int]
    """How many accounts it told of, by kind of change; what is not confirmed has kinds of its own, and so has
    what is about posts.
    """


@dataclass(frozen=True, slots=True)
class AlertThread:
    """What one rule tells the same people of one cohort, wave after wave: one thread of mails."""

    story_key: str
    rule_id: int
    list_id: ListId | None
    recipients: tuple[str, ...]
    waves: tuple[SentWave, ...]
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class ListStatus:
    """How the accounts of a list stood as known at one time."""

    watched: int
    """How many accounts of the list are watched."""
    states: tuple[tuple[Platform, State, int], ...]
    """Accounts of a platform in each confirmed state, most first. Those never read are in none."""
    posts: "ListStatus | None" = None
    """The same for the posts on the list, which the other fields leave out. None: no post is watched."""


class MailKind(StrEnum):
    WAVE = "wave"
    DIGEST = "digest"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    OPERATOR = "operator"
    TEST = "test"
    ENGAGEMENT = "engagement"
    LABELS = "labels"
    NETWORKS = "networks"
    REPLY = "reply"
    """What became of a change, to those only who were told of it before and get no wave about it."""
    END = "end"
    """An incident is over: for a pager, which opened one and ends it."""


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A mail that is composed and not yet stored."""

    message_id: str
    recipient: str
    """A mail address, or a channel by its name."""
    subject: str
    text_body: str
    html_body: str
    kind: MailKind = MailKind.WAVE
    in_reply_to: str | None = None
    reference_ids: tuple[str, ...] = ()
    urgent: bool = False
    picture: bytes | None = None
    """A PNG that `html_body` shows as cid:picture."""
    payload: str | None = None
    """JSON, for a webhook."""
    unsubscribe_url: str | None = None


class Via(StrEnum):
    """By what a mail goes out. Addresses hold no colon, and names of channels do."""

    SMTP = "smtp"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Mail:
    """What one recipient is told, by mail or another channel. A repeat carries the same `message_id`."""

    mail_id: int
    message_id: str
    recipients: tuple[str, ...]
    """One, but for mails that an early version sent."""
    subject: str
    text_body: str
    html_body: str
    created_at: datetime
    state: MailState
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    last_error: str | None
    kind: MailKind = MailKind.WAVE
    in_reply_to: str | None = None
    reference_ids: tuple[str, ...] = ()
    urgent: bool = False
    picture: bytes | None = None
    payload: str | None = None
    unsubscribe_url: str | None = None
    merged_into: int | None = None
    """The later mail that says what this one says, when this one is merged."""
    story_key: str | None = None
    """The incident that it is about, as far as it was read with it."""
