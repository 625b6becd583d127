"""Thresholds of lists: how many agreeing readings confirm a change of their accounts."""

from datetime import datetime

from storage.accounts.accounts import announce_watch
from storage.accounts.lookup import list_called
from storage.model.core.accounts import ListId
from storage.model.core.list_thresholds import (
    TAKES_EFFECT_AFTER,
    DatedThresholds,
    ListThresholds,
    ThresholdHistory,
)
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment


async def load_threshold_history(conn: Conn) -> ThresholdHistory:
    """The thresholds of all lists at all times. A list without any always had the default ones."""
    rows = await conn.fetch(
        """
        select list_id, since, strong_readings, weak_readings
        from list_thresholds order by list_id, since, list_thresholds_id
        """
    )
    return ThresholdHistory(
        DatedThresholds(
            ListId(r["list_id"]), r["since"], thresholds_of(r["strong_readings"], r["weak_readings"])
        )
        for r in rows
    )


async def set_list_thresholds(
    conn: Conn, name: str, wanted: ListThresholds | None, actor: str, now: datetime
) -> bool:
    """Give a list thresholds of its own; None gives it the default ones again. False if it has them already.

    They hold for readings made a minute later or after. Earlier decisions stay as they are. Raises Refused
    for an unknown list.
    """
    list_id = await list_called(conn, name)
    list_name = await conn.fetchval("select name from watch_list where list_id = $1 for update", list_id)
    before = await newest_thresholds(conn, list_id)
    if before == wanted:
        return False
    at = await moment(conn, lambda: now)
    await conn.execute(
        """
        insert into list_thresholds (list_id, since, strong_readings, weak_readings)
        select $1, greatest($2, max(since)), $3, $4 from list_thresholds where list_id = $1
        """,
        list_id,
        at + TAKES_EFFECT_AFTER,
        wanted and wanted.strong_readings,
        wanted and wanted.weak_readings,
    )
    detail = {"list": list_id, "before": _as_detail(before), "thresholds": _as_detail(wanted)}
    await log(conn, at, actor, "thresholds of a list set", f"list {list_name}", detail)
    await announce_watch(conn)
    return True


async def newest_thresholds(conn: Conn, list_id: int) -> ListThresholds | None:
    """The thresholds that a list has, or is about to have. None: the default ones, or no such list."""
    row = await conn.fetchrow(
        """
        select strong_readings, weak_readings from list_thresholds
        where list_id = $1 order by since desc, list_thresholds_id desc limit 1
        """,
        list_id,
    )
    return None if row is None else thresholds_of(row["strong_readings"], row["weak_readings"])


async def thresholds_by_list(conn: Conn) -> dict[ListId, ListThresholds]:
    """The thresholds that each list has, or is about to have. One that is not in it has the default ones."""
    rows = await conn.fetch(
        """
        select distinct on (list_id) list_id, strong_readings, weak_readings from list_thresholds
        order by list_id, since desc, list_thresholds_id desc
        """
    )
    found = {ListId(r["list_id"]): thresholds_of(r["strong_readings"], r["weak_readings"]) for r in rows}
    return {list_id: own for list_id, own in found.items() if own is not None}


def thresholds_of(strong: int | None, weak: int | None) -> ListThresholds | None:
    """The thresholds in a row of the table; None for the default ones."""
    return None if strong is None or weak is None else ListThresholds(strong, weak)


def _as_detail(own: ListThresholds | None) -> dict[str, int] | None:
    return None if own is None else {"strong": own.strong_readings, "weak": own.weak_readings}
