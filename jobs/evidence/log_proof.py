"""Pure: how the entries of an evidence pack lead to signed checkpoints, and to those that the verifier holds.

A signature shows that the owner of a key signed, not when, and not that the owner signed no other log of the
same size. Only a checkpoint that somebody else holds or has stamped fixes what was in the log then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.base.wording import number
from jobs.evidence.checkpoint import (
    CheckpointError,
    LogKey,
    SignedCheckpoint,
    is_signed_by,
    key_words,
    read_checkpoint,
    read_key,
    size_words,
)
from jobs.evidence.pack import LOG, CheckpointFile, Files, LogFile, PackContent
from jobs.evidence.pack_proof import Entries, KnownHeads, ProofCheck, ProofResult, StampedPart, failed, ok
from storage.model.evidence.merkle_tree import is_consistent, is_included, leaf_hash


@dataclass(frozen=True, slots=True)
class PackedCheckpoint:
    """A checkpoint of the pack."""

    file: str
    checkpoint: SignedCheckpoint
    key: LogKey


@dataclass(frozen=True, slots=True)
class LogProof:
    """What the log of a pack proves."""

    checks: list[ProofCheck]
    proved: tuple[PackedCheckpoint, ...] = ()
    """The checkpoints that are signed by their keys, and whose logs are beginnings of one log that has all
    statements. Empty if one of them is not so.
    """


def log_proof(files: Files, facts: PackContent, entries: Entries, known: KnownHeads) -> LogProof:
    """Check the signatures and proofs of a pack's log. A pack of an early format has no log, and no check."""
    if facts.log is None:
        return LogProof([])
    try:
        packed = [_packed(files, one) for one in facts.log.checkpoints]
    except CheckpointError as error:
        return LogProof([failed(str(error))])
    *_, newest = packed
    wrong = [*_wrong_signatures(packed), *_wrong_proofs(facts.log, packed)]
    wrong += _wrong_entries(facts, entries, newest)
    if wrong:
        return LogProof([failed(said) for said in wrong])
    size = f"{newest.file}, the log of {_entries(newest.checkpoint)}"
    checks = [ok(f"The entries of all {number(len(facts.attested), 'statement')} are in {size}.")]
    checks += [
        ok(f"{size}, begins with the log of {_entries(one.checkpoint)} of {one.file}.") for one in packed[:-1]
    ]
    checks.append(_signed(packed, known))
    return LogProof(checks, tuple(packed))


def stamped_checkpoints(files: Files, facts: PackContent) -> list[StampedPart]:
    """The checkpoints of a pack that have a time stamp."""
    if facts.log is None:
        return []
    out: list[StampedPart] = []
    names = {one.file for one in facts.log.checkpoints}
    for one in facts.log.stamps:
        # A stamp counts by the size of its checkpoint, so no other file may pass for one.
        note = files[one.checkpoint] if one.checkpoint in names else None
        try:
            size = 0 if note is None else read_checkpoint(note.decode()).size
        except (CheckpointError, ValueError):
            size = 0
        out.append(StampedPart(one.file, note, size, f"the checkpoint of {size_words(size)}"))
    return out


def held_checks(proof: LogProof, known: KnownHeads) -> tuple[list[ProofCheck], dict[int, str]]:
    """Compare the log of a pack with the checkpoints that the verifier holds; and those that it continues, in
    words by their size.

    A checkpoint that no key of the log signed accuses nobody: anybody could have written it.
    """
    checks: list[ProofCheck] = []
    covered: dict[int, str] = {}
    for held in known.held:
        check = _held(held, proof.proved, known)
        checks.append(check)
        if check.verdict is ProofResult.OK:
            covered[held.size] = f"the checkpoint of {_entries(held)} that you hold"
    return checks, covered


def _held(held: SignedCheckpoint, proved: Sequence[PackedCheckpoint], known: KnownHeads) -> ProofCheck:
    called = f"The checkpoint of {_entries(held)} that you hold"
    if not proved:
        return _open(f"{called} was not compared: the pack has no log that holds together.")
    newest = proved[-1]
    if held.origin != newest.checkpoint.origin:
        return _open(f"{called} is of another log than the pack.")
    keys = {one.key for one in proved} if known.key is None else {known.key}
    if not any(is_signed_by(held, key) for key in keys):
        names = " and ".join(sorted(map(key_words, keys)))
        return _open(
            f"{called} was not compared, since {names} did not sign it. It is forged, or another key signs "
            "this log now: ask the operator for the key, from another source than the pack."
        )
    if held.size > newest.checkpoint.size:
        return _open(
            f"{called} is newer than the pack, which ends at {_entries(newest.checkpoint)}. A pack that is "
            "made now leads to it."
        )
    same = [one for one in proved if one.checkpoint.size == held.size]
    if not same:
        return _open(
            f"{called} was not compared, since the pack has no proof for it. Ask the operator for a pack "
            "that was made with “blockline evidence pack --held FILE”."
        )
    if any(one.checkpoint.root != held.root for one in same):
        return failed(
            f"{called} and {same[0].file} have different contents, and both are signed. The log was "
            "rewritten, or its key signed another log. Keep both as evidence."
        )
    return ok(f"The log in the pack begins with the log of {_entries(held)} whose checkpoint you hold.")


def _packed(files: Files, one: CheckpointFile) -> PackedCheckpoint:
    """Read a checkpoint and its key. Raises CheckpointError with a sentence that names the file."""
    try:
        return PackedCheckpoint(one.file, read_checkpoint(files[one.file].decode()), read_key(one.key))
    except CheckpointError as error:
        raise CheckpointError(f"{one.file} or its key in {LOG} cannot be used: {error}.") from error
    except ValueError as error:
        raise CheckpointError(f"{one.file} is not a text in UTF-8.") from error


def _wrong_signatures(packed: Sequence[PackedCheckpoint]) -> list[str]:
    *_, newest = packed
    wrong = [
        f"{one.file} is not signed by the key that {LOG} names for it."
        for one in packed
        if not is_signed_by(one.checkpoint, one.key)
    ]
    origin = newest.checkpoint.origin
    return wrong + [f"{one.file} is of another log." for one in packed if one.checkpoint.origin != origin]


def _wrong_proofs(log: LogFile, packed: Sequence[PackedCheckpoint]) -> list[str]:
    *earlier, newest = packed
    new = newest.checkpoint
    wrong = [
        f"The proof that the log of {newest.file} begins with that of {one.file} is not valid."
        for listed, one in zip(log.earlier, earlier, strict=True)
        if not is_consistent(
            *(one.checkpoint.size, new.size, one.checkpoint.root, new.root), _hashes(listed.proof)
        )
    ]
    if log.checkpoint.proof:
        wrong.append(f"{newest.file} is the newest checkpoint, which needs no proof, and has one.")
    return wrong


def _wrong_entries(facts: PackContent, entries: Entries, newest: PackedCheckpoint) -> list[str]:
    log, size, root = facts.log, newest.checkpoint.size, newest.checkpoint.root
    seqs = [one.seq for one in facts.attested]
    if log is None or [one.seq for one in log.entries] != seqs:
        return [f"{LOG} does not prove the entries of the statements, each once."]
    return [
        f"The proof that entry {one.seq} is in the log of {newest.file} is not valid."
        for one in log.entries
        if one.seq not in entries
        or not is_included(one.seq - 1, size, _leaf(entries, one.seq), root, _hashes(one.proof))
    ]


def _leaf(entries: Entries, seq: int) -> bytes:
    return leaf_hash(bytes.fromhex(entries[seq][1]))


def _hashes(proof: Sequence[str]) -> list[bytes]:
    """The hashes of a proof; what is not one is empty, which no proof has."""
    out: list[bytes] = []
    for one in proof:
        try:
            content = bytes.fromhex(one)
        except ValueError:
            content = b""
        out.append(content if content.hex() == one and len(content) == 32 else b"")
    return out


def _signed(packed: Sequence[PackedCheckpoint], known: KnownHeads) -> ProofCheck:
    """Which keys signed, and whether the verifier knows them from elsewhere."""
    keys = list(dict.fromkeys(one.key for one in packed))
    names = " and ".join(map(key_words, keys))
    what = number(len(packed), "checkpoint")
    if known.key is None:
        return ok(f"The signatures of {what} are valid by {names}, the key that the pack names.")
    others = [one for one in keys if one != known.key]
    if others:
        return _open(
            f"{' and '.join(map(key_words, others))} signed a checkpoint of the pack, and not the key that "
            "you gave: the log has another key now, or this is not its pack."
        )
    return ok(f"The signatures of {what} are valid by {names}, the key that you gave.")


def covered_by_stamps(proof: LogProof, vouched: Mapping[int, str]) -> dict[int, str]:
    """Those of the stamped checkpoints that the log of the pack continues, in words by their size."""
    sizes = {one.checkpoint.size for one in proof.proved}
    return {size: words for size, words in vouched.items() if size in sizes}


def _entries(checkpoint: SignedCheckpoint) -> str:
    return size_words(checkpoint.size)


def _open(said: str) -> ProofCheck:
    return ProofCheck(ProofResult.OPEN, said)
