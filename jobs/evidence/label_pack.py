"""Evidence of labels: what labelers of countries signed about one account or post, and the logs of keys.

Each label is signed by its labeler, and the labeler's id is made from the beginning of its log of keys. So
the signatures can be checked without trust in Blockline. What nobody signed is named by the checks.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from collectors.core.label_proof import LabelProof
from dashboard.asgi.off_loop import off_loop
from jobs.base.errors import CommandError
from jobs.base.wording import number
from jobs.evidence.pack import README, Files, PackError, read_exact, written
from jobs.evidence.pack_page import TEMPLATES, instant
from jobs.evidence.pack_proof import ProofCheck, ProofResult, failed, ok
from jobs.evidence.stored_pack import file_name
from storage.countries.label_evidence import LabelEvidence, StoredLabel, label_evidence, subject_of_label
from storage.model.core.accounts import Platform
from storage.model.core.labels import LabelChannel
from storage.model.evidence.packs import made_by
from storage.model.platforms.registry import part
from storage.model.text.states import clean
from storage.postgres.pool import Pool, transaction

LABELS: Final = "labels.json"
"""The list of the other files."""
MOST_LABELS: Final = 2_000
_FORMAT: Final = 1
_LARGEST_LOG: Final = 1024 * 1024
_LARGEST_ID: Final = 2**63
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NOT_PROVEN: Final = "the file does not contain what proves it"
_FROM: Final = {LabelChannel.STREAM: "the labeler's stream", LabelChannel.QUERY: "the labeler's list"}


@dataclass(frozen=True, slots=True)
class PackedLabel:
    """A label. What was signed is in `file` with the ending .cbor, and the signature in that with .sig. None:
    nothing proves it.
    """

    label_id: int
    file: str | None
    labeler: str
    country: str
    value: str
    cid: str | None
    withdrawal: bool
    stated_at: datetime
    expires_at: datetime | None
    received_at: datetime
    channel: LabelChannel
    signed_by: str

    @property
    def files(self) -> tuple[str, ...]:
        return () if self.file is None else (f"{self.file}.cbor", f"{self.file}.sig")


@dataclass(frozen=True, slots=True)
class PackedLog:
    """The file with the log of a labeler's keys."""

    file: str
    labeler: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class LabelPackList:
    """What a file holds, as `labels.json` in it says."""

    format: int
    made_by: str
    made_at: datetime
    platform: str
    subject: str
    synthetic: bool
    """Made by a simulation: its labelers, accounts and labels are invented."""
    labels: tuple[PackedLabel, ...]
    """Oldest first, by the labelers' own times."""
    has_more: bool
    """Whether older labels are stored, and left out."""
    key_logs: tuple[PackedLog, ...]
    files: dict[str, str]
    """SHA-256 of every other file."""


@dataclass(frozen=True, slots=True)
class MadeLabelPack:
    """The file before it is written, with its usual name."""

    name: str
    subject: str
    labels: int
    files: Files


async def stored_label_pack(pool: Pool, name: str, now: datetime) -> MadeLabelPack:
    """Make the file about the subject of the label with this number, or about the subject with this id.

    Raises CommandError if there is no such label.
    """
    label_id = int(name) if name.isdecimal() and len(name) < 19 else None
    async with transaction(pool) as conn:
        subject = name if label_id is None else await subject_of_label(conn, label_id)
        if subject is None:
            raise CommandError(f"There is no label {label_id}.")
        found = await label_evidence(conn, subject, MOST_LABELS)
    if not found.labels:
        raise CommandError(f"No label about {clean(subject, 300)} is stored.")
    files = await off_loop(label_pack, found, made_by(), now)
    called = file_name(f"label-{label_id or found.labels[-1].label_id}", synthetic=found.synthetic)
    return MadeLabelPack(called, subject, len(found.labels), files)


def label_pack(evidence: LabelEvidence, made_by: str, now: datetime) -> dict[str, bytes]:
    """The files. A label that cannot be proven is listed without what was signed."""
    proof = part(Platform(evidence.platform), "label_proof", LabelProof)  # pyright: ignore[reportAbstractUsage]
    files: dict[str, bytes] = {}
    logs: list[PackedLog] = []
    kept = {one: log for one, log in sorted(evidence.key_logs.items()) if len(log.content) <= _LARGEST_LOG}
    for n, (labeler, log) in enumerate(kept.items(), 1):
        logs.append(PackedLog(f"keys/{n}.json", labeler, log.read_at))
        files[logs[-1].file] = log.content
    labels: list[PackedLabel] = []
    for n, one in enumerate(evidence.labels, 1):
        packed = _packed(one, f"labels/{n}")
        log = kept.get(one.labeler)
        content = one.content or b""
        if log is None or _fault(packed, evidence.subject, content, one.signature, log.content, proof):
            labels.append(replace(packed, file=None))
            continue
        labels.append(packed)
        files |= dict(zip(packed.files, (content, one.signature), strict=True))
    listed = LabelPackList(
        _FORMAT,
        made_by,
        now,
        evidence.platform,
        evidence.subject,
        evidence.synthetic,
        tuple(labels),
        evidence.has_more,
        tuple(logs),
        {},
    )
    files[README] = _readme(listed)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    return {**files, LABELS: written(replace(listed, files=hashes))}


def _packed(one: StoredLabel, file: str) -> PackedLabel:
    return PackedLabel(
        one.label_id,
        file,
        one.labeler,
        one.country,
        one.value,
        one.cid,
        one.is_negated,
        one.made_at,
        one.expires_at,
        one.received_at,
        one.channel,
        one.signed_by,
    )


def is_label_pack(files: Files) -> bool:
    """Whether the files are evidence of labels, and not of a change."""
    return LABELS in files


def verify_labels(files: Files, made_by: str) -> list[ProofCheck]:
    """Every check as a sentence. The file verifies when none is FAILED or OPEN."""
    try:
        listed = read_exact(LabelPackList, files, LABELS)
    except PackError as error:
        return [failed(str(error))]
    if listed.format != _FORMAT:
        return [failed(f"The file has format {listed.format}; this version reads format {_FORMAT}.")]
    try:
        proof = part(Platform(listed.platform), "label_proof", LabelProof)  # pyright: ignore[reportAbstractUsage]
    except (ValueError, ImportError):
        return [failed(f"This version verifies no labels of the platform {listed.platform!r}.")]
    wrong = [*_listing(files, listed), *_contradictions(files, listed)]
    if wrong:
        return wrong
    checks = [ok(f"The {number(len(files), 'file')} are those that {LABELS} lists, and no other.")]
    if listed.synthetic:
        said = "Synthetic scenario: the file was made by a simulation. Its labelers and labels are invented."
        checks.append(ProofCheck(ProofResult.NOTE, said))
    faults = {one.labeler: proof.log_fault(files[one.file], one.labeler) for one in listed.key_logs}
    checks += [_log_check(one, faults[one.labeler]) for one in listed.key_logs]
    logs = {one.labeler: one.file for one in listed.key_logs if faults[one.labeler] is None}
    checks += [
        _label_check(one, listed.subject, files, logs.get(one.labeler), proof) for one in listed.labels
    ]
    checks.append(_readme_check(files, listed, made_by))
    return [*checks, *(ProofCheck(ProofResult.NOTE, said) for said in _UNPROVEN)]


_UNPROVEN: Final = (
    "Only Blockline says when and how it received a label, its number, and when it read a log. No signature "
    "and no hash chain covers that.",
    "Only the settings of Blockline say that a labeler labels for a country.",
    "Only the labeler says when it made a label. Nothing proves that there are no other labels.",
    "Only the directory of the keys can say whether a log is complete, when a key was in use, and which of "
    "two continuations counts. Compare the log with what the directory answers.",
)


def _listing(files: Files, listed: LabelPackList) -> Iterator[ProofCheck]:
    """What is wrong with the files, or with their names in the list."""
    named = [
        README,
        *(one.file for one in listed.key_logs),
        *(name for one in listed.labels for name in one.files),
    ]
    if len(named) != len(set(named)) or set(named) != set(listed.files):
        yield failed(f"The files with a hash in {LABELS} are not those of its labels and logs.")
    for name in sorted({*named, LABELS} - set(files)):
        yield failed(f"{name} is missing.")
    for name in sorted(set(files) - {*named, LABELS}):
        yield failed(f"{name!r} does not belong in the file.")
    for name in sorted(set(named) & set(files)):
        if listed.files.get(name) != hashlib.sha256(files[name]).hexdigest():
            yield failed(f"{name} has another SHA-256 than {LABELS} lists.")


def _contradictions(files: Files, listed: LabelPackList) -> Iterator[ProofCheck]:
    """What no list says that Blockline wrote."""
    labels = listed.labels
    if not 0 < len(labels) <= MOST_LABELS:
        yield failed(f"{LABELS} lists {number(len(labels), 'label')}; a file has 1 to {MOST_LABELS:,}.")
    if len({one.labeler for one in listed.key_logs}) != len(listed.key_logs):
        yield failed(f"{LABELS} names two logs of one labeler.")
    if not {one.labeler for one in listed.key_logs} <= {one.labeler for one in labels}:
        yield failed(f"{LABELS} names a log of a labeler without a label.")
    if any(len(files.get(one.file, b"")) > _LARGEST_LOG for one in listed.key_logs):
        yield failed("A log of keys is larger than 1 MB.")
    contents = [files.get(one.files[0], b"") for one in labels if one.files]
    if len(set(contents)) != len(contents) or len({one.label_id for one in labels}) != len(labels):
        yield failed(f"{LABELS} lists a label twice.")
    if [one.stated_at for one in labels] != sorted(one.stated_at for one in labels):
        yield failed(f"{LABELS} is not in the order of the labelers' times.")
    words = (listed.subject, *(text for one in labels for text in (one.labeler, one.signed_by)))
    is_sound = all(0 < one.label_id < _LARGEST_ID and _COUNTRY.fullmatch(one.country) for one in labels)
    if not is_sound or not all(text.isprintable() for text in words):
        yield failed(f"{LABELS} has a number, a country or an id that is none.")


def _log_check(one: PackedLog, fault: str | None) -> ProofCheck:
    if fault is None:
        return ok(
            f"{one.file} is a log of {one.labeler}: the labeler's id is made from its first entry, and each "
            "later one is signed by a key that the one before names."
        )
    said = f"Only the file itself says that the keys in {one.file} are those of {one.labeler}: {fault}."
    return ProofCheck(ProofResult.OPEN, said)


def _label_check(
    one: PackedLabel, subject: str, files: Files, log: str | None, proof: LabelProof
) -> ProofCheck:
    """Whether the labeler signed what the list says. `log` is the file that proves which keys it has."""
    said = f"Label {one.label_id} ({_words(one)})"
    if not one.files:
        return ProofCheck(ProofResult.OPEN, f"{said} is not proven: {_NOT_PROVEN}.")
    if log is None:
        return ProofCheck(ProofResult.OPEN, f"{said} is not proven: no log shows whose key signed it.")
    content, signature = (files[name] for name in one.files)
    fault = _fault(one, subject, content, signature, files[log], proof)
    return ok(f"{said} is signed by {one.labeler} ({log}).") if fault is None else failed(f"{said}: {fault}")


def _fault(
    one: PackedLabel, subject: str, content: bytes, signature: bytes, log: bytes, proof: LabelProof
) -> str | None:
    """Why the labeler did not sign what the list says, as a sentence; None: it did."""
    try:
        found = proof.signed_label(content, signature, one.labeler, log)
    except ValueError as error:
        return str(error)
    if found is None:
        return (
            f"No key that {one.labeler} had when it was made, or later, signed it, by the log in this file."
        )
    listed = (subject, one.value, one.cid, one.withdrawal, one.stated_at, one.expires_at, one.signed_by)
    is_same = listed == (
        *(found.subject, found.value, found.cid, found.is_negated),
        *(found.made_at, found.expires_at, found.signed_by),
    )
    return None if is_same else f"What was signed is not what {LABELS} says."


def _words(one: PackedLabel) -> str:
    """`“!hide”, stated 4 Feb 2021, 07:32:10 UTC`: nothing that is not signed."""
    ends = "" if one.expires_at is None else f", expires {instant(one.expires_at)}"
    version = "" if one.cid is None else f", only about version {clean(one.cid, 200)}"
    what = f"{'withdrawal of ' if one.withdrawal else ''}“{clean(one.value, 128)}”"
    return f"{what}, stated {instant(one.stated_at)}{ends}{version}"


def _readme(listed: LabelPackList) -> bytes:
    lines = [
        f"{n}. {_words(one)}\n   labeler {one.labeler}, by Blockline's settings of {one.country}; received "
        f"{instant(one.received_at)} from {_FROM[one.channel]}; label {one.label_id}, "
        + (f"not proven: {_NOT_PROVEN}" if one.file is None else f"{one.file}.cbor")
        for n, one in enumerate(listed.labels, 1)
    ]
    template = TEMPLATES.get_template("labels.txt")
    return template.render(
        subject=listed.subject, synthetic=listed.synthetic, has_more=listed.has_more, lines=lines
    ).encode()


def _readme_check(files: Files, listed: LabelPackList, made_by: str) -> ProofCheck:
    if files[README] == _readme(listed):
        return ok(f"{README} says what {LABELS} says.")
    if listed.made_by == made_by:
        return failed(f"{README} says something else than {LABELS}.")
    said = f"{README} was made by {listed.made_by!r}, and this is {made_by}"
    return ProofCheck(ProofResult.OPEN, f"{said}: its words are not checked, so read {LABELS}.")
