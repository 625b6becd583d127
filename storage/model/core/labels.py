"""Pure: labels of labelers, as their signed streams and lists state them. No status follows from one.

A label says that its labeler attaches a value to an account or a post. A later label about the same subject
with the same value replaces it, or withdraws it (`is_negated`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LabelRefusal(StrEnum):
    """Why a label is kept apart and counts for nothing. Stored and shown."""

    UNREADABLE = "unreadable"
    OTHER_LABELER = "other_labeler"
    """It names another labeler than the one that sent it."""
    UNSIGNED = "unsigned"
    FORGED = "forged"
    """Its signature is by no key that the labeler had when it made the label, or later."""


class LabelGap(StrEnum):
    """Why labels may be missing between two messages of a stream. Stored and shown."""

    OUTDATED_CURSOR = "outdated_cursor"
    """The labeler no longer keeps what came after the position."""
    FUTURE_CURSOR = "future_cursor"
    """The labeler has not counted as far as the position: it began to count again."""
    UNREADABLE_MESSAGE = "unreadable_message"
    """A message could not be read."""


class LabelChannel(StrEnum):
    """How a label came to us."""

    STREAM = "stream"
    QUERY = "query"


class LabeledKind(StrEnum):
    """What a label is about."""

    ACCOUNT = "account"
    POST = "post"
    RECORD = "record"
    """Another record of an account, such as its profile."""


class LabelStep(StrEnum):
    """What a label, or its expiry, changes of its subject."""

    ADDED = "added"
    """The labeler attaches a value that it did not attach until then."""
    LIFTED = "lifted"
    """It withdrew the value, or the label expired."""


@dataclass(frozen=True, slots=True)
class SignedLabel:
    """A label whose signature was verified. `subject` is the id of an account or the address of a record.

    `made_at` is the labeler's claim; when it was received is known beside it.
    """

    labeler: str
    subject: str
    cid: str | None
    """The version of the post that it is about; None: all versions, or an account."""
    value: str
    is_negated: bool
    made_at: datetime
    expires_at: datetime | None
    content: bytes
    """What was signed, as DAG-CBOR."""
    signature: bytes
    signed_by: str
    """The key, as did:key."""
    kind: LabeledKind


@dataclass(frozen=True, slots=True)
class RefusedLabel:
    """A label that is kept apart. `content` is what was received, as DAG-CBOR, or its beginning."""

    labeler: str
    reason: LabelRefusal
    content: bytes


@dataclass(frozen=True, slots=True)
class KeyLog:
    """The log of a labeler's keys, as its directory answered when we read it."""

    content: bytes
    read_at: datetime


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Labels that arrived together. `seq` is their number in the stream; None for a page of a list."""

    seq: int | None
    labels: tuple[SignedLabel, ...]
    refused: tuple[RefusedLabel, ...]
    key_log: KeyLog
    """By which the labels were verified."""
