"""Refused logins, put in the audit log and in the log of the process, and how attempts are limited."""

import logging
from datetime import datetime

from storage.people.login_limits import AttemptKind, LoginLock, may_try
from storage.people.refused_logins import RefusedLogin, record_failed_login, record_locked_login
from storage.postgres.pool import Pool, transaction

_log = logging.getLogger(__name__)


async def lock_of(
    pool: Pool, login: str, address: str, now: datetime, kind: AttemptKind = AttemptKind.BY_PASSWORD
) -> LoginLock | None:
    """Count an attempt; None means that it may be made. Raises StorageError."""
    refused = None
    async with transaction(pool) as conn:
        lock = await may_try(conn, login, address, now, kind)
        if lock is not None and lock.is_new:
            refused = await record_locked_login(conn, login, address, lock.until, now)
    log_refused(refused)
    return lock


async def record_failed(
    pool: Pool, login: str | None, address: str, now: datetime, reason: str | None = None
) -> None:
    """Record that a login failed: without `reason`, because of the password. Raises StorageError."""
    async with transaction(pool) as conn:
        refused = await record_failed_login(conn, login, address, reason, now)
    log_refused(refused)


def log_refused(refused: RefusedLogin | None) -> None:
    """Log what was put in the audit log, and nothing else: it is as often and holds as little."""
    if refused is None:
        return
    further = "" if refused.further_until is None else "; further ones are left out for now"
    _log.warning(
        "%s: %s from %s: %s%s",
        refused.action,
        refused.subject,
        refused.address,
        refused.reason,
        further,
        extra={
            "event": refused.action.replace(" ", "_"),
            "user": refused.subject,
            "address": refused.address,
            "reason": refused.reason,
        },
    )
