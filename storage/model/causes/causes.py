"""Pure: who says why an account, a post, a change or an order is as it is, and on what evidence.

A cause is what somebody said, never what Blockline concludes: that an account is named by an order and then
withheld in its country is no cause (`storage.model.causes.consistent_orders`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from storage.model.tables.csv_cells import CellError

LONGEST_TEXT = 2_000
"""Characters of a text field."""


class CauseKind(StrEnum):
    """What is said to be the cause."""

    GOVERNMENT_ORDER = "government order"
    COURT_RULING = "court ruling"
    PLATFORM_TERMS = "platform terms"
    COPYRIGHT = "copyright"
    OWNER = "owner"
    """The owner's own act."""
    PLATFORM_ERROR = "platform error"
    UNKNOWN = "unknown"
    """Somebody who should know gives no cause, such as a platform's notice without a reason."""


class CauseSource(StrEnum):
    """Who says so."""

    PLATFORM_NOTICE = "platform notice"
    """The platform's notice to the owner."""
    PLATFORM_ANSWER = "platform answer"
    """What the platform's interface tells everybody, such as a compliance job or a label."""
    ORDER_TEXT = "order text"
    TRANSPARENCY_REPORT = "transparency report"
    COURT_RECORD = "court record"
    OWNER = "owner"
    PRESS = "press"
    ANALYST = "analyst"


class Confidence(StrEnum):
    """How sure it is, the surest first."""

    PLATFORM = "stated by the platform"
    DOCUMENTED = "documented"
    REPORTED = "reported"
    INFERRED = "inferred"
    """By a named person."""


USUAL_CONFIDENCE: Mapping[CauseSource, Confidence] = MappingProxyType(
    {
        CauseSource.PLATFORM_NOTICE: Confidence.PLATFORM,
        CauseSource.PLATFORM_ANSWER: Confidence.PLATFORM,
        CauseSource.ORDER_TEXT: Confidence.DOCUMENTED,
        CauseSource.TRANSPARENCY_REPORT: Confidence.DOCUMENTED,
        CauseSource.COURT_RECORD: Confidence.DOCUMENTED,
        CauseSource.OWNER: Confidence.REPORTED,
        CauseSource.PRESS: Confidence.REPORTED,
        CauseSource.ANALYST: Confidence.INFERRED,
    }
)
"""The confidence where nobody chose another. It is also the highest that a source can have."""


class CauseFault(CellError):
    """A cause that cannot be. `field` is the name of the field that is wrong."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class CauseSubject:
    """What a cause is about: a change, else an account or a post, else an order. One of them is not None."""

    change_id: int | None = None
    account_id: int | None = None
    """The number of an account or of a post."""
    order_id: int | None = None

    def __post_init__(self) -> None:
        if sum(number is not None for number in (self.change_id, self.account_id, self.order_id)) != 1:
            raise ValueError(f"a cause is about one thing: {self}")

    @property
    def kind(self) -> str:
        """`change`, `account`, also for a post, or `order`."""
        if self.change_id is not None:
            return "change"
        return "order" if self.account_id is None else "account"

    @property
    def number(self) -> int:
        """Its number of that kind."""
        numbers = (self.change_id, self.account_id, self.order_id)
        return next(number for number in numbers if number is not None)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass(frozen=True, slots=True)
class CauseText:
    """What is said, by whom and where it can be read."""

    kind: CauseKind
    said_by: CauseSource
    speaker: str
    """The person, paper, court or office that says so. Empty where the source names itself."""
    legal_basis: str
    """The law that is named, such as "Section 69A IT Act". Empty: none is."""
    source: str
    """The address of the document, or what it is called."""
    stated_on: datetime
    """The date of what was said, which is the first moment of a day in UTC where only the day is known."""
    confidence: Confidence
    disputed_by: str = ""
    """Who says that this is not the cause. Empty: nobody is known to."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StatedCause:
    """A cause as it is stored. A correction is a new row that supersedes this one."""

    cause_id: int
    supersedes: int | None
    is_withdrawn: bool
    """True: the row takes back the one that it supersedes, which it repeats."""
    subject: CauseSubject
    text: CauseText
    document: bytes | None
    """SHA-256 of the document that says so. None: nobody put one on record."""
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class KnownCause:
    """A cause, and how long it stood."""

    cause: StatedCause
    until: datetime | None
    """When it was corrected or withdrawn. None: it stands."""


def cause_facts(cause: StatedCause) -> dict[str, object]:
    """Return the fields of a row side by side, as the API and the command line report them."""
    text = cause.text
    return {
        "cause_id": cause.cause_id,
        "supersedes": cause.supersedes,
        "withdrawn": cause.is_withdrawn,
        "change_id": cause.subject.change_id,
        "account_id": cause.subject.account_id,
        "order_id": cause.subject.order_id,
        "kind": text.kind.value,
        "legal_basis": text.legal_basis,
        "said_by": text.said_by.value,
        "speaker": text.speaker,
        "source": text.source,
        "document": None if cause.document is None else cause.document.hex(),
        "stated_on": text.stated_on,
        "confidence": text.confidence.value,
        "disputed_by": text.disputed_by,
        "note": text.note,
        "recorded_at": cause.recorded_at,
        "recorded_by": cause.recorded_by,
    }


def checked_cause(text: CauseText, now: datetime) -> CauseText:
    """Return the cause, without spaces around its texts, if it can be one. Raises CauseFault."""
    given = {name: getattr(text, name).strip() for name in _TEXTS}
    text = replace(text, **given)
    for name, value in given.items():
        if len(value) > LONGEST_TEXT:
            raise CauseFault(f"{name} has {len(value):,} characters; the limit is {LONGEST_TEXT:,}.", name)
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise CauseFault(f"{name} contains a character that is not allowed.", name)
    if not text.source:
        raise CauseFault("source is empty: an address, or the name of a document.", "source")
    if text.said_by in _NAMED and not text.speaker:
        raise CauseFault(f"speaker is empty: {_NAMED[text.said_by]}", "speaker")
    if text.stated_on > now:
        raise CauseFault("stated_on is in the future.", "stated_on")
    if _SUREST.index(text.confidence) < _SUREST.index(USUAL_CONFIDENCE[text.said_by]):
        raise CauseFault(
            f"confidence is {text.confidence!s}, but a cause from this source ({text.said_by}) is at most "
            f"{USUAL_CONFIDENCE[text.said_by]}.",
            "confidence",
        )
    if text.confidence is Confidence.INFERRED and not text.speaker:
        raise CauseFault("speaker is empty: who inferred the cause is to be named.", "speaker")
    return text


def standing(causes: Iterable[StatedCause], known_at: datetime | None = None) -> list[StatedCause]:
    """Return those that no later row corrects or withdraws, as `surest_first` orders them.

    As was known at `known_at`, including what was recorded at that very moment; None means now.
    """
    known = [c for c in causes if known_at is None or c.recorded_at <= known_at]
    superseded = {c.supersedes for c in known}
    found = [c for c in known if c.cause_id not in superseded and not c.is_withdrawn]
    return surest_first(found)


def rows_of_change(said: Iterable[StatedCause], change_id: int, *, is_block: bool) -> list[StatedCause]:
    """Return those of the rows about an account or post and its changes that say why this change was, also
    those that were corrected or withdrawn. What is said of an account says why it is blocked, not why it came
    back or is gone.
    """
    return [
        cause
        for cause in said
        if cause.subject.change_id == change_id or (cause.subject.account_id is not None and is_block)
    ]


def said_of_change(
    said: Iterable[StatedCause], change_id: int, *, is_block: bool, known_at: datetime | None = None
) -> list[StatedCause]:
    """Return those of `rows_of_change` that stand, as `standing` does."""
    return standing(rows_of_change(said, change_id, is_block=is_block), known_at)


def surest_first(causes: Iterable[StatedCause]) -> list[StatedCause]:
    """Return the surest first, of equally sure ones the newest. Those that name no cause come last, whoever
    says so.
    """
    newest = sorted(causes, key=lambda c: (c.text.stated_on, c.cause_id), reverse=True)
    return sorted(newest, key=lambda c: (c.text.kind is CauseKind.UNKNOWN, _SUREST.index(c.text.confidence)))


_SUREST = tuple(Confidence)
_TEXTS = ("speaker", "legal_basis", "source", "disputed_by", "note")
_NAMED: Mapping[CauseSource, str] = MappingProxyType(
    {
        CauseSource.COURT_RECORD: "which court it was.",
        CauseSource.PRESS: "which paper or broadcaster it was.",
        CauseSource.ANALYST: "who inferred the cause is to be named.",
    }
)
