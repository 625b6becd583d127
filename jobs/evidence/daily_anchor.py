"""Once a day the head of the audit log goes into the chain, and a checkpoint is signed, and stamped by an
authority where one is set.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from collectors.transport.client import Http
from jobs.base.clock import Clock
from jobs.base.errors import CommandError
from jobs.config.settings import Settings, SettingsError
from jobs.evidence.pack_proof import Stamp
from jobs.evidence.rfc3161 import LIMITS, Authority, TimestampError, certificates_in, stamped
from jobs.evidence.signing import sign_checkpoint
from storage.changes.hash_chain import add_anchor, newest_head
from storage.postgres.audit_chain import seal_audit_log
from storage.postgres.merkle_log import StoredCheckpoint, is_stamped
from storage.postgres.pool import Pool, transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnchoredCheckpoint:
    """A checkpoint and what the authority says of it; `stamp` None: it had its time stamp before."""

    checkpoint: StoredCheckpoint
    stamp: Stamp | None


def authority_of(settings: Settings) -> Authority | None:
    """The authority of the settings, None when none is set. Raises SettingsError."""
    if settings.tsa_url is None or settings.tsa_certificates is None:
        return None
    try:
        return Authority(settings.tsa_url, certificates_in(settings.tsa_certificates))
    except TimestampError as error:
        raise SettingsError(f"Setting tsa_certificates: {error}") from error


async def seal(pool: Pool, clock: Clock) -> None:
    """Put the head of the audit log into the chain, and sign a checkpoint. Write both to the log of this
    process, where the owner of the tables cannot change them.

    Raises CheckpointRefused; the head of the audit log is in the chain all the same.
    """
    async with transaction(pool) as conn:
        await seal_audit_log(conn, clock())
        head = await newest_head(conn)
    if head is None:
        return
    log.info("Hash chain head: entry %d, %s", head.seq, head.entry.hex(), extra={"event": "chain_head"})
    async with transaction(pool) as conn:
        checkpoint = await sign_checkpoint(conn, clock())
    if checkpoint is not None:
        said = " ".join(checkpoint.note.split("\n")).strip()
        log.info("Checkpoint: %s", said, extra={"event": "chain_checkpoint"})


async def anchor(pool: Pool, http: Http, authority: Authority, clock: Clock) -> AnchoredCheckpoint | None:
    """Have a time put on a checkpoint of all entries and keep the answer. None while nothing is recorded.

    The checkpoint covers the audit log too: its own head is put into the chain before.
    No transaction is open while the authority is asked. Raises TimestampError and CheckpointRefused.
    """
    async with transaction(pool) as conn:
        await seal_audit_log(conn, clock())
        checkpoint = await sign_checkpoint(conn, clock())
        if checkpoint is None:
            return None
        if await is_stamped(conn, checkpoint.checkpoint_id, authority.url):
            return AnchoredCheckpoint(checkpoint, None)
    token, stamp = await stamped(http, authority, checkpoint.note.encode())
    async with transaction(pool) as conn:
        await add_anchor(conn, checkpoint.size, authority.url, token, clock(), checkpoint.checkpoint_id)
    return AnchoredCheckpoint(checkpoint, stamp)


@asynccontextmanager
async def daily_anchor(
    settings: Settings, pool: Pool, clock: Clock
) -> AsyncGenerator[Callable[[], Awaitable[AnchoredCheckpoint | None]] | None]:
    """`anchor` by these settings, which raises CommandError; None when no authority is set.

    Raises SettingsError.
    """
    authority = authority_of(settings)
    if authority is None:
        yield None
        return
    async with Http(LIMITS) as http:

        async def anchored() -> AnchoredCheckpoint | None:
            try:
                return await anchor(pool, http, authority, clock)
            except TimestampError as error:
                raise CommandError(f"{authority.url} gave no valid time stamp: {error}.") from error

        yield anchored
