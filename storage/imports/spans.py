"""The spans of somebody else's record: that a state lasted from one time to another, as the record says."""

from collections.abc import Collection
from datetime import datetime

from storage.model.bitemporal.imported_records import ImportedHistory, ImportedSpan
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.postgres.pool import Conn


async def add_spans(conn: Conn, history: ImportedHistory, now: datetime) -> None:
    """Store the spans of a record whose accounts are on file; what is already there is left alone."""
    await conn.execute(
        """
        insert into imported_span (account_id, source, status, withheld_in, seen_from, seen_to, recorded_at)
        select a.account_id, 'import:' || $2, u.status, string_to_array(u.withheld_in, ' '), u.seen_from,
            u.seen_to, $8
        from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
            as u (native_id, status, withheld_in, seen_from, seen_to)
        join account a on a.platform = $1 and a.native_id = u.native_id
        on conflict do nothing
        """,
        history.platform.value,
        history.name,
        [span.native_id for span in history.spans],
        [span.state.status.value for span in history.spans],
        [" ".join(span.state.withheld_in) for span in history.spans],
        [span.since for span in history.spans],
        [span.until for span in history.spans],
        now,
    )


async def spans_told(
    conn: Conn, name: str, platform: Platform, native_ids: Collection[str]
) -> dict[str, list[ImportedSpan]]:
    """The spans that the record called `name` told of these accounts before."""
    rows = await conn.fetch(
        """
        select a.native_id, s.status, s.withheld_in, s.seen_from, s.seen_to
        from imported_span s join account a using (account_id)
        where s.source = 'import:' || $1 and a.platform = $2 and a.native_id = any($3::text[])
        order by s.account_id, s.seen_from, s.seen_to
        """,
        name,
        platform.value,
        list(native_ids),
    )
    out: dict[str, list[ImportedSpan]] = {}
    for r in rows:
        state = State(Status(r["status"]), tuple(r["withheld_in"]))
        span = ImportedSpan(r["native_id"], state, r["seen_from"], r["seen_to"])
        out.setdefault(span.native_id, []).append(span)
    return out
