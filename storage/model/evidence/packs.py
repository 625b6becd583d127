"""What an evidence pack holds about one change. Hashes are hexadecimal texts, as people compare them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from importlib.metadata import version

from storage.model.evidence.hash_chain import Statement


@dataclass(frozen=True, slots=True)
class Attested:
    """A statement and the number of its entry in the chain."""

    seq: int
    statement: Statement


@dataclass(frozen=True, slots=True)
class Raw:
    """What is kept of raw answers under one hash."""

    sha256: str
    content: bytes | None
    """None when it was purged."""
    purged_at: datetime | None


class PackRequestRole(StrEnum):
    """What a request was for the change."""

    OLD = "old"
    """The last answer that contradicts the new state: it was asked for at `last_seen_old`."""
    FIRST = "first"
    """The first answer that shows the new state: it came at `first_seen_new`."""
    AGREEING = "agreeing"
    """A later answer, up to the decision."""


@dataclass(frozen=True, slots=True)
class PackRequest:
    """One request that the account answered. Of the others in it only their number is told."""

    part: PackRequestRole
    asked_at: datetime
    """Rounded down to the millisecond before, as requests are stored."""
    observed_at: datetime
    recorded_at: datetime
    slot: datetime
    attempt: int
    roster: int
    position: int
    """Of the account among those asked, from 0."""
    asked: int
    """How many accounts were asked in this request."""
    control_accounts: int
    """How many of them were there to tell an outage from a mass block: had they looked wrong, nothing of the
    answer would have been believed.
    """
    place: str
    """Which server answered; empty where one answers for the whole platform."""
    silent_on: tuple[str, ...] = ()
    """Countries of which the answer said nothing."""


@dataclass(frozen=True, slots=True)
class PackCoverage:
    """The requests around a change. The chain does not cover them: they are Blockline's own record."""

    looks: tuple[PackRequest, ...]
    """By time: the reading before, the first of the new state, every agreeing one."""
    other: dict[str, int] = field(default_factory=dict[str, int])
    """How many further attempts lie between the first and the last of these times, by what became of them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive leaves of the chain. Those of other changes are hashes, and tell nothing of them."""

    first_seq: int
    previous: str
    """The entry before the first leaf; 64 zeros before the beginning."""
    leaves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayHead:
    """The last entry of the UTC day of a statement, as it was when the pack was made."""

    day: date
    seq: int
    head: str


@dataclass(frozen=True, slots=True)
class Stamped:
    """An entry that an authority outside has put a time on, with its answer as it came."""

    anchor_id: int
    seq: int
    head: str
    authority: str
    token: bytes


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """The proof that an entry of the chain is in the log of the newest checkpoint (RFC 6962)."""

    seq: int
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoggedCheckpoint:
    """A signed checkpoint, and the proof that the log of the newest one begins with its log (RFC 6962)."""

    checkpoint_id: int
    signer: str
    """The public key that verifies the note."""
    note: str
    proof: tuple[str, ...]
    """Empty for the newest checkpoint."""


@dataclass(frozen=True, slots=True)
class CheckpointStamp:
    """The answer of a time-stamping authority about the note of a checkpoint."""

    anchor_id: int
    checkpoint_id: int
    authority: str
    token: bytes


@dataclass(frozen=True, slots=True)
class PackLog:
    """How the entries of a pack lead to signed checkpoints."""

    newest: LoggedCheckpoint
    entries: tuple[LoggedEntry, ...]
    earlier: tuple[LoggedCheckpoint, ...]
    stamps: tuple[CheckpointStamp, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that goes into the pack of one change."""

    change_id: int
    handle: str
    """Of the account, when the pack was made: no statement holds it."""
    attested: tuple[Attested, ...]
    """The change, its outcome, the same of all that it supersedes or that supersedes it, and the causes that
    are said of it or of its account.
    """
    raw: tuple[Raw, ...]
    coverage: PackCoverage | None
    """None for a change that somebody else published: it was not we who looked."""
    segments: tuple[Segment, ...]
    heads: tuple[DayHead, ...]
    anchors: tuple[Stamped, ...]
    synthetic: bool
    """Made by a simulation: its accounts do not exist."""
    log: PackLog | None = None
    """None while no checkpoint covers all entries."""


def made_by() -> str:
    """Return the name of this program with its version, as packs, reports and stories have it."""
    return f"Blockline {version('blockline')}"
