"""Parsers of what is to be believed later: backups, evidence packs, time stamps, packed answers."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from collectors.core.collector import CollectorAnswer, Exchange
from jobs.dispatch.answer_codec import pack, unpack
from jobs.evidence.chain_heads import HeadsError, heads_known
from jobs.evidence.checkpoint import (
    CheckpointError,
    is_signed_by,
    key_of,
    read_checkpoint,
    read_key,
    signed_checkpoint,
)
from jobs.evidence.label_pack import LABELS, verify_labels
from jobs.evidence.pack import LOG, MANIFEST, PackError, facts_in, listed, manifest_in, written
from jobs.evidence.pack_collection import (
    COLLECTION,
    HOW,
    CollectionFile,
    PackedFile,
    is_collection,
    verify_collection,
)
from jobs.evidence.pack_files import read_pack
from jobs.evidence.pack_page import whole_pack
from jobs.evidence.pack_proof import KnownHeads, ProofResult, Stamp, entries_in
from jobs.evidence.pack_verification import verify
from jobs.evidence.rfc3161 import TimestampError, certificates_in, stamp_in
from jobs.evidence.stored_pack import stamp_or_fault as stamp_or_fault
from storage.backup.archive import BackupError, BackupManifest, BackupWriter, read_backup
from storage.backup.contents import KeptTable, _Kind, difference_from_schema
from storage.model.core.availability import Reading, State, Status, Strength
from storage.model.evidence.hash_chain import read_statement
from storage.model.evidence.packs import Material, Raw
from storage.postgres.schema import newest
from tests.fuzz.file_targets import in_file
from tests.fuzz.runner import Call, Target, plain
from tests.support.samples import label_signing
from tests.support.samples.merkle_logs import log_of

_FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
_NOW: Final = datetime(2021, 2, 12, 12, tzinfo=UTC)
_MADE_BY: Final = "Blockline 1.2.3"
_PACK: Final = _FIXTURES / "evidence_packs" / "format_2.zip"
_ROOT: Final = certificates_in(_FIXTURES / "time_stamps" / "root.pem")
_STAMP: Final = (_FIXTURES / "time_stamps" / "answer.tsr").read_bytes()
_ENTRY: Final = b"entry"


def _no_progress(_: str, __: int) -> None: ...


def _backup(manifest: bytes | None = None) -> bytes:
    """A small backup; with another manifest, its hash is right all the same."""
    file = BytesIO()
    writer = BackupWriter(file)
    account, order = writer.table("account", ("a", "b")), writer.table("coverage_row", ("a",))
    for n in range(50):
        account.take(b"%d\tsome text\n" % n)
    tables = (account.finish(), order.finish())
    if manifest is None:
        writer.finish(BackupManifest("0.1.0", newest(), "18.6", _NOW, tables, ()))
        return file.getvalue()
    writer.member("manifest.json", manifest)
    digest = hashlib.sha256(file.getvalue()).hexdigest()
    end = BytesIO()
    BackupWriter(end).member("SHA256", digest.encode())
    return file.getvalue() + end.getvalue() + bytes(1024)


def _manifest_in(backup: bytes) -> bytes:
    start = backup.index(b'{\n "form"')
    return backup[start : backup.index(b"\0", start)]


_MANIFEST: Final = _manifest_in(_backup())
_SCHEMA: Final = [
    KeptTable("account", _Kind.TABLE, ("a", "b"), ("a",)),
    KeptTable("coverage_row", _Kind.PARTITIONED, ("a",), ()),
]


def restore_file(path: Path) -> object:
    return read_backup(path, _no_progress), None


def restore_signed_file(path: Path) -> object:
    return read_backup(path, _no_progress, b"k" * 32)


@contextmanager
def restore_manifest() -> Generator[Call]:
    """A backup whose hash is right, with the manifest of a stranger."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "b"

        def call(data: bytes) -> object:
            path.write_bytes(_backup(data))
            found = read_backup(path, _no_progress)
            return [difference_from_schema(found.manifest, _SCHEMA, may_lack=m) for m in (False, True)]

        yield call


def pack_file(path: Path) -> object:
    return _verified(read_pack(path))


def pack_content(data: bytes) -> object:
    """A pack in which one file is another: its name is on the first line. The manifest has the right hash."""
    name, _, content = data.partition(b"\n")
    files = {**_FILES, name.decode("latin-1"): content}
    if name != MANIFEST.encode():
        files = listed(files, manifest_in(files))
    return _verified(files)


def pack_log_content(data: bytes) -> object:
    """A pack with a log in which log.json or a checkpoint is another: its name is on the first line. The
    manifest has the right hash. No altered one verifies, except that others may sign a checkpoint as well.
    """
    name, _, content = data.partition(b"\n")
    files = {**_LOG_FILES, name.decode("latin-1"): content}
    checks = verify(listed(files, manifest_in(files)), _HELD, _unread, _MADE_BY)
    is_whole = not any(check.verdict in {ProofResult.FAILED, ProofResult.OPEN} for check in checks)
    if is_whole:
        altered = [name for name in _LOG_FILES if _signed_part(name, files) != _signed_part(name, _LOG_FILES)]
        assert (altered, set(files) - set(_LOG_FILES)) == ([], set())
    assert is_whole or files != _LOG_FILES
    return [check.verdict for check in checks]


def _signed_part(name: str, files: Mapping[str, bytes]) -> bytes:
    return files[name].partition(b"\n\n")[0] if name.startswith("checkpoints/") else files[name]


def _unread(_: bytes, __: bytes) -> Stamp | str:
    return "it cannot be read"


def label_pack_content(data: bytes) -> object:
    """Evidence of a label in which one file is another: its name is on the first line. The list of files has
    the right hash. What the labeler did not sign is not verified.
    """
    line, _, content = data.partition(b"\n")
    name = line.decode("latin-1")
    files = {**_LABEL_FILES, name: content}
    if name in _LABEL_FILES and name != LABELS:
        before, after = (hashlib.sha256(one[name]).hexdigest().encode() for one in (_LABEL_FILES, files))
        files[LABELS] = files[LABELS].replace(before, after)
    checks = verify_labels(files, label_signing.MADE_BY)
    if name.startswith("labels/") and files != _LABEL_FILES:
        assert any(check.verdict is ProofResult.FAILED for check in checks)
    return [check.verdict for check in checks]


_LABEL_FILES: Final = label_signing.pack(label_signing.stored())


def _verified(files: Mapping[str, bytes]) -> object:
    """A pack that differs from the recorded one does not verify: its time stamp is not ours to give. Nothing
    signs which version made it, and of another one the words are said not to be checked.
    """
    checks = verify(files, KnownHeads(), lambda token, entry: stamp_or_fault(token, entry, _ROOT), _MADE_BY)
    is_recorded = not any(check.verdict in {ProofResult.FAILED, ProofResult.OPEN} for check in checks)
    assert is_recorded == (files == _FILES)
    return [check.verdict for check in checks]


_FILES: Final = read_pack(_PACK)


def _pack_with_log() -> dict[str, bytes]:
    """The recorded pack in the form of format 3: the log has its entries, after four others."""
    facts = facts_in(_FILES)
    entries, _ = entries_in(facts)
    all_ = [bytes([n]) * 32 for n in range(4)] + [bytes.fromhex(entry) for _, entry in entries.values()]
    seqs = [one.seq for one in facts.attested]
    material = Material(
        *(facts.change.change_id, facts.manifest.handle, facts.attested),
        tuple(Raw(sha256, content, None) for sha256, content in facts.raw.items()),
        facts.coverage.coverage,
        *(facts.chain.segments, facts.chain.heads, ()),
        synthetic=False,
        log=log_of(all_, seqs, [3, 7]),
    )
    return whole_pack(material, _MADE_BY, _NOW)


_LOG_FILES: Final = _pack_with_log()
_HELD: Final = KnownHeads(held=(read_checkpoint(_LOG_FILES["checkpoints/7.txt"].decode()),))


def _collection() -> bytes:
    """A file with the recorded pack and the list of it."""
    out = BytesIO()
    change_id = manifest_in(_FILES).change_id
    pack_ = PackedFile(change_id, "one.zip", hashlib.sha256(_PACK.read_bytes()).hexdigest())
    listed_ = CollectionFile(1, HOW, _MADE_BY, _NOW, "an account", None, None, (pack_,), ())
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(pack_.file, _PACK.read_bytes())
        archive.writestr(COLLECTION, written(listed_))
    return out.getvalue()


def pack_collection(path: Path) -> object:
    """Whether it is one, and every check of it: a sentence, never an exception."""
    is_collection(path)
    checks = verify_collection(
        path, KnownHeads(), lambda token, entry: stamp_or_fault(token, entry, _ROOT), _MADE_BY
    )
    return [check.verdict for check in checks]


def read_stamp(data: bytes) -> object:
    """No stamp is read that says another time than the one that was signed."""
    said = stamp_in(data, _ENTRY, _ROOT)
    assert said == stamp_in(_STAMP, _ENTRY, _ROOT)
    return said


def read_stored_stamp(data: bytes) -> object:
    return stamp_in(data, _ENTRY)


_ANSWER: Final = CollectorAnswer(
    (Reading("5", _NOW, State(Status.WITHHELD, ("IN",)), Strength.STRONG, "name"),),
    (),
    (Exchange("/2/users", _NOW, 200, b"{}", "id", (("a", "b"),)),),
)


_KEY: Final = key_of("log.example/blockline", bytes(32))
_CHECKPOINT: Final = signed_checkpoint(_KEY.name, 1204, bytes(32), bytes(32)).note.encode()


def read_note(data: bytes) -> object:
    """What was read is written as it came, and its signature is right only if nothing was altered."""
    found = read_checkpoint(data.decode("utf-8", "replace"))
    if (
        is_signed_by(found, _KEY)
        and found.note.partition("\n\n")[0].encode() != _CHECKPOINT.partition(b"\n\n")[0]
    ):
        raise AssertionError("the signature holds for another text")
    return found


def read_public_key(data: bytes) -> object:
    return read_key(data.decode("utf-8", "replace"))


def read_packed(data: bytes) -> object:
    """What a worker put into the queue, as it lies there, and as it is when unpacked once."""
    return unpack(data[1:]) if data[:1] == b"z" else unpack(zlib.compress(data, 1))


_HEADS: Final = json.dumps(
    {
        "heads": [
            {
                "day": "2021-02-12",
                "seq": 5,
                "head": "ab" * 32,
                "anchors": [
                    {"seq": 4, "head": "cd" * 32, "authority": "a", "stamped_at": "2021-02-12T12:00:00Z"}
                ],
            }
        ]
    }
).encode()

EVIDENCE: tuple[Target, ...] = (
    Target("restore.file", (_backup(),), in_file(restore_file), (BackupError,)),
    Target("restore.signed", (_backup(),), in_file(restore_signed_file), (BackupError,)),
    Target("restore.manifest", (_MANIFEST,), restore_manifest, (BackupError,)),
    Target("pack.file", (_PACK.read_bytes(),), in_file(pack_file), (PackError,)),
    Target("pack.collection", (_collection(),), in_file(pack_collection), (PackError,)),
    Target(
        "pack.content",
        tuple(name.encode() + b"\n" + content for name, content in _FILES.items()),
        plain(pack_content),
        (PackError,),
    ),
    Target(
        "pack.log",
        tuple(
            name.encode() + b"\n" + content
            for name, content in _LOG_FILES.items()
            if name == LOG or name.startswith("checkpoints/")
        ),
        plain(pack_log_content),
        (PackError,),
    ),
    Target(
        "pack.labels",
        tuple(name.encode() + b"\n" + content for name, content in _LABEL_FILES.items()),
        plain(label_pack_content),
    ),
    Target("stamp.answer", (_STAMP,), plain(read_stamp), (TimestampError,)),
    Target("stamp.stored", (_STAMP,), plain(read_stored_stamp), (TimestampError,)),
    Target(
        "stamp.certificates",
        ((_FIXTURES / "time_stamps" / "root.pem").read_bytes(),),
        in_file(certificates_in),
        (TimestampError,),
    ),
    Target("evidence.checkpoint", (_CHECKPOINT,), plain(read_note), (CheckpointError,)),
    Target("evidence.key", (str(_KEY).encode(),), plain(read_public_key), (CheckpointError,)),
    Target("evidence.heads", (_HEADS,), in_file(lambda path: heads_known(path, None)), (HeadsError,)),
    Target(
        "evidence.statements",
        tuple(content for name, content in _FILES.items() if name in {"statement.json", "outcome.json"}),
        plain(read_statement),
        (ValueError,),
    ),
    Target(
        "queue.answers",
        (b"z" + pack(_ANSWER), zlib.decompress(pack(_ANSWER))),
        plain(read_packed),
        (ValueError,),
    ),
)
