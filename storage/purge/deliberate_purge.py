"""A purge as a person asks for it: what it would remove, then the purge with its entry in the audit log."""

from dataclasses import asdict, dataclass
from datetime import datetime

from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused
from storage.purge.purge import Purged, purge_account


@dataclass(frozen=True, slots=True)
class PurgeSubject:
    """The account that a purge is about, as stored."""

    account_id: int
    platform: str
    native_id: str
    handle: str


async def purge_subject(conn: Conn, account_id: int) -> PurgeSubject | None:
    """Return the account with this number; None if there is none."""
    row = await conn.fetchrow(
        "select account_id, platform, native_id, handle from account where account_id = $1", account_id
    )
    return None if row is None else PurgeSubject(**dict(row))


async def preview_purge(conn: Conn, account_id: int, now: datetime, *, whole: bool = False) -> Purged:
    """Return exactly what a purge would remove now, and remove nothing: it is done and rolled back.

    Raises Refused as the purge would.
    """
    part = conn.transaction()
    await part.start()
    try:
        return await purge_account(conn, account_id, now, whole=whole)
    finally:
        await part.rollback()


async def purge_as(
    conn: Conn, account_id: int, now: datetime, actor: str, *, whole: bool = False, reason: str = ""
) -> Purged:
    """Purge an account, and record in the audit log who did it. Raises Refused.

    The entry has the account's number and the counts; no handle, id or reason, because nothing can be removed
    from that log.
    """
    purged = await purge_account(conn, account_id, now, whole=whole, reason=reason)
    counts = {name: value for name, value in asdict(purged).items() if name != "native_id"}
    await log(conn, now, actor, "account purged", f"account {account_id}", counts)
    return purged


def refuse_other_handle(subject: PurgeSubject, typed: str) -> None:
    """Raise Refused if what a person typed to confirm a purge is not the handle of the account."""
    if typed.strip().removeprefix("@").lower() != subject.handle.removeprefix("@").lower():
        raise Refused("This is not the handle of the account, so nothing was purged.")
