"""How often somebody may fail to log in: counted in the database, so that a restart forgets nothing."""

import hashlib
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from storage.postgres.pool import Conn

WINDOW = timedelta(minutes=15)
PER_NAME = 5
"""Attempts in a window under one name from one address."""
PER_ADDRESS = 30
"""The same from one address, under whatever names. A whole newsroom may share one."""


async def may_try(conn: Conn, login: str, address: str, now: datetime) -> datetime | None:
    """Count an attempt before it is known how it ends, so that many at once are counted as well.

    None: it may be made; else the time from which on there may be another.
    """
    await conn.execute(
        """
        delete from login_failure where subject in (
            select subject from login_failure where since <= $1 limit 1000 for update skip locked
        )
        """,
        now - WINDOW,
    )
    of_name, of_address = _subjects(login, address)
    counted = {
        r["subject"]: (r["failures"], r["since"])
        for r in await conn.fetch(
            """
            insert into login_failure as f (subject, failures, since)
            select subject, 1, $2 from unnest($1::bytea[]) as u (subject) order by subject
            on conflict (subject) do update set failures = f.failures + 1
            returning subject, failures, since
            """,
            [of_name, of_address],
            now,
        )
    }
    until = [
        since + WINDOW
        for subject, most in ((of_name, PER_NAME), (of_address, PER_ADDRESS))
        for failures, since in [counted[subject]]
        if failures > most and since + WINDOW > now
    ]
    return max(until, default=None)


async def succeeded(conn: Conn, login: str, address: str) -> None:
    """Take back the attempts under this name from there, and this one from the address."""
    of_name, of_address = _subjects(login, address)
    await conn.execute("delete from login_failure where subject = $1", of_name)
    await conn.execute(
        "update login_failure set failures = failures - 1 where subject = $1 and failures > 0", of_address
    )


def _subjects(login: str, address: str) -> tuple[bytes, bytes]:
    """Hashed: who reads the table learns neither which names were tried nor from where."""
    place = _network(address)
    return (
        hashlib.sha256(f"name\0{login.lower()}\0{place}".encode()).digest(),
        hashlib.sha256(f"address\0{place}".encode()).digest(),
    )


def _network(address: str) -> str:
    """Of IPv6 one customer has a whole network of 64 bits."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_address(int(ip) >> 64 << 64))
