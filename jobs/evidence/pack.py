"""Pure: the files of an evidence pack: what each holds, how it is written and read.

Statements are the exact bytes that the chain attests, raw answers the exact bytes whose SHA-256 a statement
names. The other files are JSON in one fixed form, so that a file in another form is recognised.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, datetime
from typing import Any, Final, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from storage.model.core.accounts import Platform
from storage.model.evidence.hash_chain import (
    CauseStatement,
    ChangeStatement,
    OutcomeStatement,
    Statement,
    moment,
    read_statement,
    statement_bytes,
)
from storage.model.evidence.packs import (
    Attested,
    DayHead,
    LoggedCheckpoint,
    LoggedEntry,
    Material,
    PackCoverage,
    Segment,
)
from storage.model.platforms.registry import DECLARED

FORMAT: Final = 3
"""The format of new packs. Formats 1 and 2 have no log; 1 has other words than 2. Both verify as before."""
FORMATS: Final = frozenset({1, 2, FORMAT})
WITH_LOG: Final = frozenset({FORMAT})
"""The formats whose packs lead to signed checkpoints."""
MANIFEST: Final = "manifest.json"
PAGE: Final = "index.html"
README: Final = "README.txt"
CHAIN: Final = "chain.json"
COVERAGE: Final = "coverage.json"
LOG: Final = "log.json"

Files = Mapping[str, bytes]
"""Content by name; names have `/` between folder and file."""


@dataclass(frozen=True, slots=True)
class PackSentences:
    """The fixed sentences in the JSON files of one format."""

    how: str
    what: str
    not_ours: str
    log: str = ""


SENTENCES: Final[Mapping[int, PackSentences]] = {
    1: PackSentences(
        "entry = SHA-256(entry before || leaf), leaf = SHA-256(statement file). Leaves of other changes are "
        "hashes and tell nothing of them.",
        "The requests that show the change, as Blockline recorded them. The chain does not cover this file: "
        "the times of the readings that the statements name are covered there.",
        "Somebody else published this change, and it was taken over under their name: there are no requests "
        "of Blockline's own behind it.",
    ),
    2: PackSentences(
        "entry = SHA-256(previous entry || leaf), leaf = SHA-256(statement file). Leaves of other changes "
        "are hashes and reveal nothing about them.",
        "The requests that show the change, as Blockline recorded them. The chain does not cover this file. "
        "It covers the times of the readings, which the statements contain.",
        "Another publisher reported this change, and Blockline imported it under the publisher's name. "
        "Blockline made no requests of its own for it.",
    ),
    3: PackSentences(
        "entry = SHA-256(previous entry || leaf), leaf = SHA-256(statement file). Leaves of other changes "
        "are hashes and reveal nothing about them.",
        "The requests that show the change, as Blockline recorded them. The chain does not cover this file. "
        "It covers the times of the readings, which the statements contain.",
        "Another publisher reported this change, and Blockline imported it under the publisher's name. "
        "Blockline made no requests of its own for it.",
        "The entries of the chain are the leaves of a Merkle tree (RFC 6962). The proofs lead from the entry "
        "of each statement to the root in the newest checkpoint, and from earlier checkpoints to that root.",
    ),
}
"""The sentences of an earlier format are never edited, because packs with them exist."""

_ONLY_IF_TRUE: Final = "only if true"
"""A field that is written only if it is true: packs from before it have none."""

T = TypeVar("T")


class PackError(Exception):
    """The evidence pack cannot be read. The message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class StatementFile:
    """Which entry of the chain attests a file."""

    file: str
    seq: int


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """The answer of a time-stamping authority about an entry (RFC 3161, DER)."""

    file: str
    seq: int
    head: str
    authority: str


@dataclass(frozen=True, slots=True)
class ChainFile:
    """How the statements lead to heads of the chain."""

    how: str
    statements: tuple[StatementFile, ...]
    segments: tuple[Segment, ...]
    heads: tuple[DayHead, ...]
    anchors: tuple[AnchorFile, ...]


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A signed checkpoint (C2SP tlog-checkpoint), and how it leads to the newest one (RFC 6962)."""

    file: str
    key: str
    """The public key that signed it."""
    proof: tuple[str, ...]
    """Of consistency with the newest checkpoint; empty for that itself."""


@dataclass(frozen=True, slots=True)
class StampFile:
    """The answer of a time-stamping authority about the file of a checkpoint (RFC 3161, DER)."""

    file: str
    checkpoint: str
    authority: str


@dataclass(frozen=True, slots=True)
class LogFile:
    """How the entries of the statements lead to signed checkpoints."""

    how: str
    checkpoint: CheckpointFile
    """The newest one."""
    entries: tuple[LoggedEntry, ...]
    earlier: tuple[CheckpointFile, ...]
    stamps: tuple[StampFile, ...]

    @property
    def checkpoints(self) -> tuple[CheckpointFile, ...]:
        return (*self.earlier, self.checkpoint)


@dataclass(frozen=True, slots=True)
class CoverageFile:
    what: str
    ours: bool
    """False for a change that another publisher reported."""
    coverage: PackCoverage


@dataclass(frozen=True, slots=True)
class RawFile:
    """Raw answers under their hash; without a file they were purged."""

    sha256: str
    file: str | None
    purged_at: datetime | None


@dataclass(frozen=True, slots=True)
class PackManifest:
    format: int
    made_by: str
    made_at: datetime
    change_id: int
    handle: str
    raw: tuple[RawFile, ...]
    files: dict[str, str]
    """SHA-256 of every other file."""
    synthetic: bool = field(default=False, metadata={_ONLY_IF_TRUE: True})
    """Made by a simulation: its accounts do not exist."""
    post: bool = field(default=False, metadata={_ONLY_IF_TRUE: True})
    """About a post: page and README call it so. Its handle is that of its author and its id."""

    @property
    def noun(self) -> str:
        return "post" if self.post else "account"


@dataclass(frozen=True, slots=True)
class PackContent:
    """Everything in the files of a pack, for the page and the checks."""

    manifest: PackManifest
    change: ChangeStatement
    outcome: OutcomeStatement | None
    attested: tuple[Attested, ...]
    """In the order of the chain; includes `change` and `outcome`."""
    coverage: CoverageFile
    chain: ChainFile
    raw: Mapping[str, bytes]
    """By SHA-256, as in the manifest, without what was purged."""
    log: LogFile | None
    """None in packs of the first two formats."""


def documents(material: Material, made_by: str, now: datetime) -> dict[str, bytes]:
    """Make the files of a pack except its page and README. The manifest lists these files.

    Raises PackError if no checkpoint was signed.
    """
    files: dict[str, bytes] = {}
    for one in material.attested:
        files[statement_name(one.statement, material.change_id)] = statement_bytes(one.statement)
    raw = [
        RawFile(one.sha256, None if one.content is None else raw_name(one.sha256), one.purged_at)
        for one in material.raw
    ]
    files |= {raw_name(one.sha256): one.content for one in material.raw if one.content is not None}
    anchors = [
        (AnchorFile(f"anchors/{one.anchor_id}.tsr", one.seq, one.head, one.authority), one.token)
        for one in material.anchors
    ]
    files |= {anchor.file: token for anchor, token in anchors}
    names = [StatementFile(statement_name(a.statement, material.change_id), a.seq) for a in material.attested]
    files[CHAIN] = written(
        ChainFile(
            SENTENCES[FORMAT].how,
            tuple(names),
            material.segments,
            material.heads,
            tuple(a for a, _ in anchors),
        )
    )
    if material.coverage is None:
        files[COVERAGE] = written(
            CoverageFile(SENTENCES[FORMAT].not_ours, ours=False, coverage=PackCoverage(()))
        )
    else:
        files[COVERAGE] = written(CoverageFile(SENTENCES[FORMAT].what, ours=True, coverage=material.coverage))
    files |= _log_files(material)
    manifest = PackManifest(
        FORMAT,
        made_by,
        now,
        material.change_id,
        material.handle,
        tuple(raw),
        {},
        material.synthetic,
        _is_of_post(material),
    )
    return listed(files, manifest)


def _log_files(material: Material) -> dict[str, bytes]:
    log = material.log
    if log is None:
        raise PackError("There is no signed checkpoint, so a pack would lead to none.")
    stamps = [
        StampFile(f"anchors/{one.anchor_id}.tsr", _checkpoint_name(one.checkpoint_id), one.authority)
        for one in log.stamps
    ]
    listed = LogFile(
        SENTENCES[FORMAT].log,
        _checkpoint_file(log.newest),
        log.entries,
        tuple(map(_checkpoint_file, log.earlier)),
        tuple(stamps),
    )
    files = {_checkpoint_name(one.checkpoint_id): one.note.encode() for one in (log.newest, *log.earlier)}
    tokens = {stamp.file: one.token for stamp, one in zip(stamps, log.stamps, strict=True)}
    return {**files, **tokens, LOG: written(listed)}


def _checkpoint_file(one: LoggedCheckpoint) -> CheckpointFile:
    return CheckpointFile(_checkpoint_name(one.checkpoint_id), one.signer, one.proof)


def _checkpoint_name(checkpoint_id: int) -> str:
    return f"checkpoints/{checkpoint_id}.txt"


def is_post(change: ChangeStatement) -> bool:
    """Whether a change is one of a post, by the id that its statement names."""
    declared = DECLARED.get(Platform(change.platform)) if change.platform in list(Platform) else None
    return declared is not None and declared.is_post(change.account)


def _is_of_post(material: Material) -> bool:
    changes = (a.statement for a in material.attested if isinstance(a.statement, ChangeStatement))
    return any(one.change_id == material.change_id and is_post(one) for one in changes)


def listed(files: Files, manifest: PackManifest) -> dict[str, bytes]:
    """Add a manifest with the hash of each file."""
    hashes = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in sorted(files.items())
        if name != MANIFEST
    }
    return {**files, MANIFEST: written(replace(manifest, files=hashes))}


def facts_in(files: Files) -> PackContent:
    """Read the files of a pack, except page and README. Raises PackError."""
    manifest = manifest_in(files)
    chain = read_exact(ChainFile, files, CHAIN)
    coverage = read_exact(CoverageFile, files, COVERAGE)
    attested = tuple(
        Attested(named.seq, _statement(files, named.file, manifest.change_id)) for named in chain.statements
    )
    own = [a.statement for a in attested if a.statement.change_id == manifest.change_id]
    changes = [s for s in own if isinstance(s, ChangeStatement)]
    outcomes = [s for s in own if isinstance(s, OutcomeStatement)]
    if len(changes) != 1 or len(outcomes) > 1:
        raise PackError(
            f"{CHAIN} must name exactly one change statement and at most one outcome statement of change "
            f"{manifest.change_id}."
        )
    raw = {one.sha256: _content(files, one.file) for one in manifest.raw if one.file is not None}
    for anchor in chain.anchors:
        _content(files, anchor.file)
    log = read_exact(LogFile, files, LOG) if manifest.format in WITH_LOG else None
    for one in () if log is None else (*log.checkpoints, *log.stamps):
        _content(files, one.file)
    return PackContent(
        manifest, changes[0], outcomes[0] if outcomes else None, attested, coverage, chain, raw, log
    )


def manifest_in(files: Files) -> PackManifest:
    """Read the manifest of a pack. Raises PackError if this version cannot."""
    if MANIFEST not in files:
        raise PackError(f"This is not an evidence pack: {MANIFEST} is missing.")
    manifest = read_exact(PackManifest, files, MANIFEST)
    if manifest.format not in FORMATS:
        raise PackError(f"The pack has format {manifest.format}; this version reads formats up to {FORMAT}.")
    return manifest


def statement_name(statement: Statement, change_id: int) -> str:
    """Name the file of a statement in the pack of a change."""
    if isinstance(statement, CauseStatement):
        return f"causes/cause-{statement.cause_id}.json"
    if statement.change_id == change_id:
        return "statement.json" if isinstance(statement, ChangeStatement) else "outcome.json"
    return f"corrections/{statement.told.value}-{statement.change_id}.json"


def statement_words(statement: Statement) -> str:
    """A statement in words: "outcome of change 12"."""
    match statement:
        case ChangeStatement():
            return f"change {statement.change_id}"
        case OutcomeStatement():
            return f"outcome of change {statement.change_id}"
        case CauseStatement():
            return f"cause {statement.cause_id}"


def raw_name(sha256: str) -> str:
    return f"raw/{sha256}.json"


def expected_names(facts: PackContent) -> set[str]:
    """Every file that belongs in the pack."""
    return {
        *(MANIFEST, PAGE, README, CHAIN, COVERAGE),
        *(one.file for one in facts.chain.statements),
        *(one.file for one in facts.chain.anchors),
        *(one.file for one in facts.manifest.raw if one.file is not None),
        *(() if facts.log is None else (LOG, *(f.file for f in (*facts.log.checkpoints, *facts.log.stamps)))),
    }


def written(what: object) -> bytes:
    """Write JSON in the fixed form of a pack."""
    return (json.dumps(_plain(what), ensure_ascii=False, indent=1) + "\n").encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return {
            one.name: _plain(getattr(value, one.name))
            for one in fields(value)
            if _ONLY_IF_TRUE not in one.metadata or getattr(value, one.name)
        }
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("Sequence[object]", value)]
    return value


def read_exact(kind: type[T], files: Files, name: str) -> T:
    """Read a file that `written` wrote. Raises PackError for one in any other form."""
    content = _content(files, name)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        said = cast("T", adapter.validate_json(content))
        is_exact = written(said) == content
    except (ValidationError, ValueError, OverflowError) as error:
        raise PackError(
            f"The content of {name} does not have the form that an evidence pack needs."
        ) from error
    if not is_exact:
        raise PackError(f"{name} was not written by Blockline: its form differs, or it contains extra data.")
    return said


def _statement(files: Files, name: str, change_id: int) -> Statement:
    try:
        statement = read_statement(_content(files, name))
    except ValueError as error:
        raise PackError(f"{name} is not a statement.") from error
    if statement_name(statement, change_id) != name:
        said = statement_words(statement)
        raise PackError(f"{name} contains the statement of the {said}, which does not match its name.")
    return statement


def _content(files: Files, name: str) -> bytes:
    if name not in files:
        raise PackError(f"{name} is missing.")
    return files[name]
