"""Signing checkpoints of this installation's log, each only after a proof that it continues the last one."""

from dataclasses import dataclass
from datetime import datetime

from jobs.base.errors import CommandError
from jobs.evidence.checkpoint import (
    CheckpointError,
    LogKey,
    SignedCheckpoint,
    is_signed_by,
    key_of,
    key_words,
    read_checkpoint,
    read_key,
    signed_checkpoint,
    size_words,
)
from storage.changes.hash_chain import last_seq
from storage.postgres.installation import checkpoint_key
from storage.postgres.merkle_log import (
    StoredCheckpoint,
    add_checkpoint,
    begins_with,
    lock_checkpoints,
    log_origin,
    newest_checkpoint,
    stored_checkpoints,
    tree_root,
)
from storage.postgres.pool import Conn


class CheckpointRefused(CommandError):
    """No checkpoint is signed, because the log does not continue the last one. The message says why."""

    def __init__(self, why: str) -> None:
        to_do = "The command “blockline evidence chain” checks the log."
        super().__init__(f"No checkpoint was signed: {why}. {to_do}")


@dataclass(frozen=True, slots=True)
class _Tree:
    size: int
    root: bytes


async def sign_checkpoint(conn: Conn, now: datetime) -> StoredCheckpoint | None:
    """The checkpoint of all recorded entries, inside the caller's transaction; None if there are none.

    It is signed and stored unless it is already. Signers wait for each other until their transactions end.
    Raises CheckpointRefused and EntryMissing.
    """
    await lock_checkpoints(conn)
    newest, size = await newest_checkpoint(conn), await last_seq(conn)
    if newest is None and size == 0:
        return None
    origin, seed = await log_origin(conn), await checkpoint_key(conn)
    tree, key = _Tree(size, await tree_root(conn, size)), key_of(origin, seed)
    if newest is not None:
        why = checkpoint_fault(newest, key) or await _fork(conn, newest, tree)
        if why is not None:
            raise CheckpointRefused(why)
        if newest.size == size:
            return newest
    note = signed_checkpoint(origin, tree.size, tree.root, seed).note
    return await add_checkpoint(conn, tree.size, tree.root, str(key), note, now)


async def continued(conn: Conn, held: SignedCheckpoint, newest: StoredCheckpoint) -> StoredCheckpoint:
    """A checkpoint that somebody saved, if the log continues it. Raises CommandError and EntryMissing.

    It need not be stored: an older backup may have been restored.
    """
    if (fault := await held_fault(conn, held)) is not None:
        raise CommandError(fault)
    return StoredCheckpoint(0, held.size, held.root, newest.signer, held.note, newest.at)


async def held_fault(conn: Conn, held: SignedCheckpoint) -> str | None:
    """Why the log does not continue a checkpoint that somebody saved, in a sentence; None if it does.

    One that our key did not sign accuses nobody: anybody could have written it. Raises EntryMissing.
    """
    called, size = f"the given checkpoint of {size_words(held.size)}", await last_seq(conn)
    key = key_of(await log_origin(conn), await checkpoint_key(conn))
    if held.origin != key.name or not is_signed_by(held, key):
        return (
            f"The key of this log, {key_words(key)}, did not sign {called}. It was not compared: it is of "
            "another log, forged, or signed with an earlier key."
        )
    if not await begins_with(conn, held.size, held.root, size, await tree_root(conn, size)):
        return (
            f"The log does not continue {called}, which its key signed. An entry was altered or removed, an "
            "older backup was restored, or the key signed another log."
        )
    return None


async def stored_fault(conn: Conn) -> str | None:
    """What is wrong with the first stored checkpoint that this log does not continue, or that its key did not
    sign, in a sentence; None if nothing is. Raises EntryMissing.
    """
    stored, size = await stored_checkpoints(conn), await last_seq(conn)
    if not stored:
        return None
    key = key_of(await log_origin(conn), await checkpoint_key(conn))
    tree = _Tree(size, await tree_root(conn, size))
    for one in stored:
        why = checkpoint_fault(one, key) or await _fork(conn, one, tree)
        if why is not None:
            return f"The checkpoints do not match: {why}."
    return None


def checkpoint_fault(stored: StoredCheckpoint, key: LogKey) -> str | None:
    """Why a stored checkpoint is not one that this key signed, as a clause; None if it is."""
    called = f"the stored checkpoint of {size_words(stored.size)}"
    try:
        checkpoint, signer = read_checkpoint(stored.note), read_key(stored.signer)
    except CheckpointError as error:
        return f"{called} was altered ({error})"
    if signer != key:
        return f"another key signed {called} ({key_words(signer)}), and the key is now {key_words(key)}"
    if (checkpoint.size, checkpoint.root) != (stored.size, stored.root) or not is_signed_by(checkpoint, key):
        return f"{called} was altered (the key did not sign it)"
    return None


async def _fork(conn: Conn, newest: StoredCheckpoint, tree: _Tree) -> str | None:
    signed = f"the {size_words(newest.size)} of a signed checkpoint"
    if tree.size < newest.size:
        return f"the log has {tree.size:,} of {signed}, so entries were removed"
    if not await begins_with(conn, newest.size, newest.root, tree.size, tree.root):
        return f"the log does not begin with {signed}, so an entry or a node of the tree was altered"
    return None
