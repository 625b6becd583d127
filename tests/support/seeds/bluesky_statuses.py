"""Seven things that can happen to an account on Bluesky, as they stand in the database afterwards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.accounts.handle_history import record_handles
from storage.model.core.availability import Flag, State, Status, kind_of
from storage.model.core.coverage import bitmap
from storage.postgres.pool import Conn
from tests.support.seeds.changes import AVAILABLE, DEACTIVATED, NOT_FOUND, SUSPENDED, confirm

EVERY = timedelta(minutes=30)
IN_TURKEY = State(Status.WITHHELD, ("TR",))
NAMES = ("restricted", "lifted", "hidden", "left", "erased", "renamed", "unreachable", "quiet", "control")


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened: account numbers by story, and the two readings that bound each change."""

    accounts: dict[str, int]
    before: datetime
    after: datetime


async def seven_things(conn: Conn, now: datetime) -> Seen:
    """Read nine accounts every half hour for six hours; in the fifth, something happens to seven of them."""
    start, before, after = now - 6 * timedelta(hours=1), now - 2 * EVERY, now - EVERY
    accounts = {name: await _account(conn, name, start) for name in NAMES}
    ids = list(accounts.values())
    roster_id = await conn.fetchval(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        values ('bluesky', 'nine', $1, $2, true, $3) returning roster_id
        """,
        ids,
        ids[-1:],
        start,
    )
    await conn.execute(
        "insert into canary (account_id, expected_status) values ($1, 'available')", accounts["control"]
    )
    await conn.execute("select ensure_coverage_month($1)", start.date().replace(day=1))
    await conn.execute("select ensure_coverage_month($1)", now.date().replace(day=1))
    away = NAMES.index("unreachable")
    at = start
    while at <= now:
        is_out = at > before
        answered = bitmap([not is_out or i != away for i in range(len(ids))])
        missed = f'{{"network": [{away}]}}' if is_out else None
        await conn.execute(
            """
            insert into coverage_row (
                roster_id, slot, attempt, observed_at, outcome, lacked, latency_ms, recorded_at
            ) values ($1, $2, 0, $2, 0, shortfall(null, $3, $4, null), 80, $2)
            """,
            roster_id,
            at,
            answered,
            missed,
        )
        at += EVERY
    for name in NAMES[:-1]:
        first = IN_TURKEY if name == "lifted" else AVAILABLE
        await _happen(conn, accounts[name], None, first, frozenset(), None, start)
    for name, old, new, flags in (
        ("restricted", AVAILABLE, IN_TURKEY, frozenset[Flag]()),
        ("lifted", IN_TURKEY, AVAILABLE, frozenset[Flag]()),
        ("hidden", AVAILABLE, SUSPENDED, frozenset({Flag.APP_VIEW_ONLY})),
        ("left", AVAILABLE, DEACTIVATED, frozenset[Flag]()),
        ("erased", AVAILABLE, NOT_FOUND, frozenset({Flag.DELETED})),
    ):
        await _happen(conn, accounts[name], old, new, flags, before, after)
    await conn.execute(
        """
        with named as (update account set handle = 'new.example' where account_id = $1)
        insert into rename (account_id, old_handle, new_handle, last_seen_old, first_seen_new, recorded_at)
        values ($1, 'renamed.example', 'new.example', $2, $3, $3)
        """,
        accounts["renamed"],
        before,
        after,
    )
    handles = [("renamed.example", start), ("new.example", before + EVERY / 3)]
    await record_handles(conn, accounts["renamed"], handles, "plc.directory", after)
    return Seen(accounts, before, after)


async def _account(conn: Conn, name: str, at: datetime) -> int:
    return await conn.fetchval(
        """
        insert into account (platform, native_id, handle, added_at)
        values ('bluesky', $1, $2, $3) returning account_id
        """,
        f"did:plc:{name:a<24}",
        f"{name}.example",
        at,
    )


async def _happen(
    conn: Conn,
    account_id: int,
    old: State | None,
    new: State,
    flags: frozenset[Flag],
    last_seen_old: datetime | None,
    first_seen_new: datetime,
) -> None:
    change_id = await conn.fetchval(
        """
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source, flags
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 'bluesky', $11) returning change_id
        """,
        f"{account_id}:{new.status}:{first_seen_new.isoformat()}",
        account_id,
        old and old.status.value,
        old.withheld_in if old else (),
        new.status.value,
        new.withheld_in,
        kind_of(old, new, flags).value,
        "weak" if new.status is Status.NOT_FOUND else "strong",
        last_seen_old,
        first_seen_new,
        sorted(flags),
    )
    await confirm(conn, change_id, first_seen_new + timedelta(minutes=1))
