"""Refused logins in the audit log: for which user and from where, and never what was typed.

The log can only be added to, and strangers cause these entries, so their number is limited.
"""

from dataclasses import dataclass
from datetime import datetime

from storage.model.text.states import clean
from storage.people.login_limits import count_audit_entry
from storage.people.people import Person, person_called
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

FAILED = "login failed"
LOCKED = "login locked"
UNKNOWN_NAME = "unknown name"
"""Stands for every name that no user has. What was typed is not recorded, not even its length: people type
their password into the wrong field, and the audit log can only be added to. No user can be called so."""
MOST_LISTED = 30
"""Entries in a window about one user, and about all unknown names together. So a flood of unknown names hides
no attack on a user, and the log grows by a known amount at most."""
_NOBODY = "nobody"
_LONGEST_ADDRESS = 60


@dataclass(frozen=True, slots=True)
class RefusedLogin:
    """A refusal that was put in the audit log."""

    action: str
    """`FAILED` or `LOCKED`."""
    subject: str
    """The login name of a user, or `UNKNOWN_NAME`."""
    address: str
    reason: str
    further_until: datetime | None
    """Until then no more entries about this subject follow, whatever happens. None: they do."""


async def record_failed_login(
    conn: Conn, login: str | None, address: str, reason: str | None, now: datetime
) -> RefusedLogin | None:
    """Record that a login failed. Without `reason`, it was the password.

    `login` is what was typed; None means that no name is known. Answers None when there are entries enough.
    """
    person = None if login is None else await _person(conn, login)
    return await _record(conn, FAILED, person, address, reason or _password_reason(person), now)


async def record_locked_login(
    conn: Conn, login: str, address: str, until: datetime, now: datetime
) -> RefusedLogin | None:
    """Record that from now until then attempts are refused unseen, once for all of them."""
    reason = f"too many attempts; locked until {until:%H:%M} UTC"
    return await _record(conn, LOCKED, await _person(conn, login), address, reason, now)


async def _person(conn: Conn, login: str) -> Person | None:
    try:
        return await person_called(conn, login)
    except Refused:
        return None


def _password_reason(person: Person | None) -> str:
    if person is None:
        return "no such user"
    if person.disabled_at is not None:
        return "the user is disabled"
    return "wrong password" if person.has_password else "the user has no password"


async def _record(
    conn: Conn, action: str, person: Person | None, address: str, reason: str, now: datetime
) -> RefusedLogin | None:
    subject = UNKNOWN_NAME if person is None else person.login
    number, until = await count_audit_entry(conn, subject, now)
    if number > MOST_LISTED:
        return None
    refused = RefusedLogin(
        action,
        subject,
        clean(address, _LONGEST_ADDRESS),
        clean(reason, 200),
        until if number == MOST_LISTED else None,
    )
    detail = {"address": refused.address, "reason": refused.reason}
    if refused.further_until is not None:
        detail["note"] = f"further entries are left out until {until:%H:%M} UTC"
    await log(conn, now, _NOBODY, action, subject, detail)
    return refused
