"""Making the evidence pack of a stored change, for the command line and the dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.x509 import Certificate

from jobs.base.errors import CommandError
from jobs.base.wording import minute
from jobs.evidence.checkpoint import SignedCheckpoint
from jobs.evidence.pack import Files, PackError
from jobs.evidence.pack_page import whole_pack
from jobs.evidence.pack_proof import KnownHeads, ProofResult, Stamp
from jobs.evidence.pack_verification import verify
from jobs.evidence.rfc3161 import TimestampError, stamp_in
from jobs.evidence.signing import continued, sign_checkpoint
from storage.changes.evidence_pack import change_number, changes_named, material, purged_at
from storage.model.evidence.packs import Material, made_by
from storage.postgres.merkle_log import pack_log
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.recording_order import settle_at_most


@dataclass(frozen=True, slots=True)
class MadePack:
    """An evidence pack before it is written."""

    change_id: int
    name: str
    """The usual name of its file."""
    files: Files


async def stored_material(
    pool: Pool, name: str, now: datetime, held: Sequence[SignedCheckpoint] = ()
) -> Material:
    """Return everything about the change with this number or key, or this beginning of a key.

    The heads of past days are made final before, and a checkpoint is signed. `held` are checkpoints that
    others saved, to which the pack must lead. Raises CommandError if `name` does not identify one change, and
    CheckpointRefused.
    """
    await settle_at_most(pool, now)
    async with transaction(pool) as conn:
        found = await changes_named(conn, name)
        if not found:
            raise CommandError(await _not_found(conn, name))
        if len(found) > 1:
            numbers = ", ".join(map(str, found))
            raise CommandError(
                f"{printable(name)} matches more than one change: {numbers}. Give more of the key, or a "
                "number."
            )
        return await signed_material(conn, found[0], now, held)


async def signed_material(
    conn: Conn, change_id: int, now: datetime, held: Sequence[SignedCheckpoint] = ()
) -> Material:
    """Return everything about a change with the proofs of the log, in the caller's transaction.

    Raises CheckpointRefused, and as `material`.
    """
    found = await material(conn, change_id)
    newest = await sign_checkpoint(conn, now)
    if newest is None:
        raise CommandError("Nothing is recorded yet, so there is nothing to sign.")
    own = [await continued(conn, one, newest) for one in held]
    return replace(found, log=await pack_log(conn, [one.seq for one in found.attested], newest, own))


def made_pack(gathered: Material, now: datetime) -> MadePack:
    """Make the pack, and verify it. Raises CommandError if it would not verify."""
    name = file_name(str(gathered.change_id), synthetic=gathered.synthetic)
    try:
        files = whole_pack(gathered, made_by(), now)
    except PackError as error:
        raise CommandError(str(error)) from error
    checks = verify(files, KnownHeads(), lambda token, entry: stamp_or_fault(token, entry, ()), made_by())
    wrong = [check.said for check in checks if check.verdict is ProofResult.FAILED]
    if wrong:
        raise CommandError(f"No pack was written, because the database contradicts itself: {wrong[0]}")
    return MadePack(gathered.change_id, name, files)


def file_name(of: str, *, synthetic: bool) -> str:
    """The usual name of a file with evidence; that of a simulation says so."""
    return f"blockline-evidence-{'synthetic-' if synthetic else ''}{of}.zip"


def stamp_or_fault(token: bytes, entry: bytes, certificates: Sequence[Certificate]) -> Stamp | str:
    """Return the time stamp in the answer of an authority, or a sentence that says why it is not valid."""
    try:
        return stamp_in(token, entry, certificates)
    except TimestampError as error:
        return str(error)


def printable(text: str) -> str:
    """Replace unprintable characters, so that names in a stranger's pack cannot control the terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


async def _not_found(conn: Conn, name: str) -> str:
    if not name:
        return "The change is missing: give its number or its key."
    number = change_number(name)
    if number is not None and (at := await purged_at(conn, number)) is not None:
        return f"Change {number} was purged on {minute(at)}. Only hashes of it are left."
    return f"There is no change with the number or the key {printable(name)}."
