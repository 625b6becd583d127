"""Read model of what is new since an event: what an open live page has to hear of."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.alerts.mails_report import MailNote, mail_notes
from storage.live.lists_and_executives import LiveSignal, signals
from storage.live.snapshot import LiveChange, LiveSpell, changes, spells
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class LiveNews:
    """What happened in the events after `since`, up to and including `live_event_id`."""

    since: int
    live_event_id: int
    topics: frozenset[str]
    changes: tuple[LiveChange, ...]
    """Those that stand."""
    superseded: tuple[int, ...]
    """Changes that one of the events corrected: they are no longer told."""
    spells: tuple[LiveSpell, ...]
    """All spells of the accounts that had a change: they replace what was known."""
    renamed: tuple[tuple[int, str], ...]
    signals: tuple[LiveSignal, ...]
    mails: tuple[MailNote, ...]
    labeled: tuple[str, ...]
    """The countries whose labelers have a label that was not stored before."""


async def news_since(conn: Conn, since: int, limit: int) -> LiveNews | None:
    """The news after event `since`; None when there are more than `limit` events: take a snapshot then."""
    rows = await conn.fetch(
        """
        select live_event_id, topic, ref from live_event
        where live_event_id > $1 order by live_event_id limit $2
        """,
        since,
        limit + 1,
    )
    if len(rows) > limit:
        return None
    refs: dict[str, list[int]] = {}
    for r in rows:
        if r["ref"] is not None:
            refs.setdefault(r["topic"], []).append(r["ref"])
    changed = await changes(
        conn, None, await _of_watched(conn, [*refs.get("change", []), *refs.get("outcome", [])])
    )
    touched = sorted({c.account_id for c in changed})
    corrected = {c.supersedes for c in changed if c.supersedes is not None}
    return LiveNews(
        since=since,
        live_event_id=rows[-1]["live_event_id"] if rows else since,
        topics=frozenset(r["topic"] for r in rows),
        changes=tuple(c for c in changed if c.superseded_at is None),
        superseded=tuple(sorted(corrected)),
        spells=await spells(conn, None, touched) if touched else (),
        renamed=await _renamed(conn, refs.get("rename", [])),
        signals=await signals(conn, None, refs["signal"]) if "signal" in refs else (),
        mails=await mail_notes(conn, None, refs["mail"]) if "mail" in refs else (),
        labeled=await _labeled(conn, refs["label"]) if "label" in refs else (),
    )


async def _of_watched(conn: Conn, change_ids: Sequence[int]) -> list[int]:
    """An import of somebody else's record is no news of the watch."""
    if not change_ids:
        return []
    rows = await conn.fetch(
        """
        select c.change_id from change c join account a using (account_id)
        where c.change_id = any($1::bigint[]) and a.watched
        """,
        change_ids,
    )
    return [r["change_id"] for r in rows]


async def _renamed(conn: Conn, rename_ids: Sequence[int]) -> tuple[tuple[int, str], ...]:
    if not rename_ids:
        return ()
    rows = await conn.fetch(
        """
        select distinct a.account_id, a.handle from rename r join account a using (account_id)
        where r.rename_id = any($1::bigint[])
        """,
        rename_ids,
    )
    return tuple((r["account_id"], r["handle"]) for r in rows)


async def _labeled(conn: Conn, label_ids: Sequence[int]) -> tuple[str, ...]:
    rows = await conn.fetch(
        """
        select distinct r.country from label l join labeler r using (labeler)
        where l.label_id = any($1::bigint[]) order by 1
        """,
        label_ids,
    )
    return tuple(r["country"] for r in rows)
