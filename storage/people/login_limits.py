"""How often somebody may fail to log in: counted in the database, so that a restart forgets nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from storage.postgres.pool import Conn

WINDOW = timedelta(minutes=15)
PER_NAME = 5
"""Attempts in a window under one name from one address."""
PER_ADDRESS = 30
"""The same from one address, under any names. A whole newsroom may share one."""
PER_NAME_ELSEWHERE = 10
"""Attempts in a window under one name, from all addresses together from which nobody of that name has logged
in lately. It stops many machines that guess one password. Attempts from known addresses do not count."""
KNOWN_FOR = timedelta(days=30)
"""How long an address counts as known after a login from it. Sessions are kept at least as long."""


class AttemptKind(StrEnum):
    """What is guessed. Each is counted apart, so that a right password does not forgive wrong codes."""

    BY_PASSWORD = "name"  # noqa: S105 - a word that is hashed with the name
    BY_CODE = "code"


@dataclass(frozen=True, slots=True)
class LoginLock:
    """An attempt may not be made."""

    until: datetime
    """From then on there may be another."""
    is_new: bool
    """It is the first attempt that was refused for this reason in the window."""


async def may_try(
    conn: Conn, login: str, address: str, now: datetime, kind: AttemptKind = AttemptKind.BY_PASSWORD
) -> LoginLock | None:
    """Count an attempt, before its result is known so that parallel attempts are counted as well.

    None means that it may be made. An attempt refused by the limits of its address does not count towards
    `PER_NAME_ELSEWHERE`, so one machine alone cannot lock out the others.
    """
    await conn.execute(
        """
        delete from login_failure where subject in (
            select subject from login_failure where since <= $1 limit 1000 for update skip locked
        )
        """,
        now - WINDOW,
    )
    lock = await _lock(conn, {_from(kind, login, address): PER_NAME, _address(address): PER_ADDRESS}, now)
    if lock is not None or await _is_known(conn, login, address, now):
        return lock
    return await _lock(conn, {_subject("elsewhere", login.lower()): PER_NAME_ELSEWHERE}, now)


async def succeeded(
    conn: Conn, login: str, address: str, kind: AttemptKind = AttemptKind.BY_PASSWORD
) -> None:
    """Take back the attempts of this kind under this name from there, and this one from the address.

    What counts towards `PER_NAME_ELSEWHERE` stays; the address is known from now on.
    """
    own = _from(kind, login, address)
    # In the order in which attempts lock them, so that nobody waits for one another.
    await conn.execute(
        "select from login_failure where subject = any($1::bytea[]) order by subject for update",
        [own, _address(address)],
    )
    await conn.execute("delete from login_failure where subject = $1", own)
    await conn.execute(
        "update login_failure set failures = failures - 1 where subject = $1 and failures > 0",
        _address(address),
    )


async def count_audit_entry(conn: Conn, name: str, now: datetime) -> tuple[int, datetime]:
    """Count an entry of the audit log about refused logins of a name.

    Returns how many there are in this window, and when the window ends.
    """
    subject = _subject("listed", name.lower())
    failures, since = (await _count(conn, [subject], now))[subject]
    return failures, since + WINDOW


async def _lock(conn: Conn, limits: Mapping[bytes, int], now: datetime) -> LoginLock | None:
    """Count an attempt against each subject. None means that none is past its limit."""
    counted = await _count(conn, list(limits), now)
    past = [
        (since + WINDOW, failures - limits[subject])
        for subject, (failures, since) in counted.items()
        if failures > limits[subject]
    ]
    if not past:
        return None
    return LoginLock(max(until for until, _ in past), is_new=all(over == 1 for _, over in past))


async def _count(conn: Conn, subjects: list[bytes], now: datetime) -> dict[bytes, tuple[int, datetime]]:
    """Count one more against each; how many there are in its window, and when the window began."""
    rows = await conn.fetch(
        """
        insert into login_failure as f (subject, failures, since)
        select subject, 1, $2 from unnest($1::bytea[]) as u (subject) order by subject
        on conflict (subject) do update set
            failures = case when f.since <= $3 then 1 else f.failures + 1 end,
            since = case when f.since <= $3 then $2 else f.since end
        returning subject, failures, since
        """,
        subjects,
        now,
        now - WINDOW,
    )
    return {r["subject"]: (r["failures"], r["since"]) for r in rows}


async def _is_known(conn: Conn, login: str, address: str, now: datetime) -> bool:
    """Whether somebody of this name has logged in from there lately."""
    rows = await conn.fetch(
        """
        select distinct s.address from web_session s join person p using (person_id)
        where lower(p.login) = lower($1) and s.created_at > $2
        """,
        login,
        now - KNOWN_FOR,
    )
    return _network(address) in {_network(r["address"]) for r in rows}


def _from(kind: AttemptKind, login: str, address: str) -> bytes:
    return _subject(kind, login.lower(), _network(address))


def _address(address: str) -> bytes:
    return _subject("address", _network(address))


def _subject(*parts: str) -> bytes:
    """Hashed: who reads the table learns neither which names were tried nor from where."""
    return hashlib.sha256("\0".join(parts).encode()).digest()


def _network(address: str) -> str:
    """Of IPv6 one customer has a whole network of 64 bits."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_address(int(ip) >> 64 << 64))
