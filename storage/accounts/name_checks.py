"""Name checks: what accounts the names of a pasted list or an uploaded table mean.

A check is opened from text. What stored accounts tell is decided at once; the rest waits until a process with
the role collect asks the platforms. Begin with `open_check`, `lines_of` and `watch_lines`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from storage.accounts.name_matching import stored_accounts
from storage.accounts.watch_import import watch
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.orders import NameOutcome
from storage.model.tables.name_check import (
    CheckedLine,
    CheckLine,
    as_row,
    decide,
    note_of,
    without_repeats,
)
from storage.model.tables.name_matching import ResolvedName, UnresolvedName
from storage.model.tables.said_names import ParsedName
from storage.model.tables.watch_import_plan import Identified, WatchLineResult
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn

KEPT = timedelta(days=30)
"""How long a check is kept."""
_CLAIM = timedelta(minutes=10)
"""How long a process may take to ask a platform for one batch. Then another process asks."""
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NameCheck:
    """A name check without its lines."""

    check_id: int
    made_at: datetime
    made_by: str
    source: str
    """Where the names stand, such as the name of a file."""
    platform: Platform | None
    """The platform of handles that name none; None: such a handle is ambiguous."""


@dataclass(frozen=True, slots=True)
class WaitingName:
    """A name whose platform is to be asked."""

    check_id: int
    position: int
    said: ParsedName
    tries: int
    """How many times its platform was asked without an answer."""


async def open_check(
    conn: Conn,
    lines: Sequence[CheckLine],
    source: str,
    platform: Platform | None,
    read: Collection[Platform] | None,
    actor: str,
    now: datetime,
) -> int:
    """Store a check of the lines of `check_lines`, and return its number. No platform is asked.

    `read` are the platforms that the settings name; None means all.
    """
    stored = await stored_accounts(conn, [line.said for line in lines if not line.fault])
    decided = [None if line.fault else decide(line, stored, read) for line in lines]
    check_id: int = await conn.fetchval(
        """
        insert into name_check (made_at, made_by, source, platform) values ($1, $2, $3, $4)
        returning name_check_id
        """,
        now,
        actor,
        source,
        platform and platform.value,
    )
    await conn.copy_records_to_table(
        "name_check_line",
        columns=(
            "name_check_id",
            "position",
            "line",
            "said",
            "platform",
            "handle",
            "native_id",
            "post_id",
            "lists",
            "tags",
            "followers",
            "left_out",
            "outcome",
            "found_id",
            "found_handle",
            "note",
            "ask_at",
        ),
        records=[
            (
                check_id,
                position,
                line.said.line,
                line.said.words,
                line.said.platform and line.said.platform.value,
                line.said.handle,
                line.said.native_id,
                line.said.post_id,
                line.lists,
                line.tags,
                line.followers,
                line.said.note,
                *_decided(line, what),
                now if what is None and not line.fault else None,
            )
            for position, (line, what) in enumerate(zip(lines, decided, strict=True), 1)
        ],
    )
    await log(conn, now, actor, "names checked", f"name check {check_id}", {"names": len(lines)})
    return check_id


def _decided(
    line: CheckLine, what: ResolvedName | UnresolvedName | None
) -> tuple[str | None, str | None, str | None, str]:
    """The outcome, the id and handle that were found, and the note."""
    if line.fault:
        return None, None, None, line.fault
    if what is None:
        return NameOutcome.NOT_TRIED.value, None, None, line.said.note
    note = note_of(line.said, what)
    if isinstance(what, UnresolvedName):
        return what.outcome.value, None, None, note
    return NameOutcome.RESOLVED.value, what.native_id, what.handle, note


async def name_check(conn: Conn, check_id: int) -> NameCheck | None:
    """Return a check; None if there is none of that number."""
    row = await conn.fetchrow("select * from name_check where name_check_id = $1", check_id)
    if row is None:
        return None
    platform = None if row["platform"] is None else Platform(row["platform"])
    return NameCheck(check_id, row["made_at"], row["made_by"], row["source"], platform)


async def lines_of(conn: Conn, check_id: int, since: datetime | None = None) -> list[CheckedLine]:
    """Return the lines of a check in their order; with `since`, only those asked at or after that time."""
    rows = await conn.fetch(
        """
        select l.*, a.account_id, coalesce(a.watched, false) as watched
        from name_check_line l
        left join account a on a.platform = l.platform and a.native_id = l.found_id
        where l.name_check_id = $1 and ($2::timestamptz is null or l.asked_at >= $2)
        order by l.position
        """,
        check_id,
        since,
    )
    return [_line(r) for r in rows]


async def newest_lines(
    conn: Conn, handles: Collection[tuple[Platform, str]]
) -> dict[tuple[Platform, str], CheckedLine]:
    """Return the newest line of any check about each handle in lower case.

    A handle that was never checked is left out.
    """
    rows = await conn.fetch(
        """
        select distinct on (l.platform, lower(l.handle)) l.*, a.account_id,
            coalesce(a.watched, false) as watched
        from name_check_line l
        join unnest($1::text[], $2::text[]) as u (platform, handle)
            on l.platform = u.platform and lower(l.handle) = u.handle
        left join account a on a.platform = l.platform and a.native_id = l.found_id
        where l.native_id is null and l.post_id is null and l.outcome is not null
        order by l.platform, lower(l.handle), l.name_check_id desc, l.position
        """,
        [platform.value for platform, _ in handles],
        [handle for _, handle in handles],
    )
    lines = [_line(r) for r in rows]
    return {
        (line.said.platform, (line.said.handle or "").lower()): line for line in lines if line.said.platform
    }


async def take_waiting(conn: Conn, platform: Platform, now: datetime, most: int) -> list[WaitingName]:
    """Take up to `most` names whose platform is due to be asked, the oldest first.

    No other process gets them before `answer` stores what became of them, or the claim runs out.
    """
    rows = await conn.fetch(
        """
        with due as (
            select name_check_id, position from name_check_line
            where platform = $1 and ask_at <= $2
            order by ask_at, name_check_id, position limit $3 for update skip locked
        )
        update name_check_line l set ask_at = $4 from due
        where l.name_check_id = due.name_check_id and l.position = due.position
        returning l.name_check_id, l.position, l.line, l.said, l.platform, l.handle, l.native_id, l.post_id,
            l.left_out, l.tries
        """,
        platform.value,
        now,
        most,
        now + _CLAIM,
    )
    return [
        WaitingName(r["name_check_id"], r["position"], _said(r), r["tries"])
        for r in sorted(rows, key=lambda r: (r["name_check_id"], r["position"]))
    ]


async def answer(
    conn: Conn,
    names: Sequence[WaitingName],
    answers: Mapping[tuple[str, bool], ResolvedName | UnresolvedName],
    now: datetime,
) -> None:
    """Store what became of names that were taken; `answers` are by what was asked (`ParsedName.asked`).

    A name without an answer is asked again after a pause that doubles up to an hour. A name that a purge
    removed meanwhile stays removed.
    """
    pairs = [(name, answers[name.said.asked]) for name in names]
    is_open = [isinstance(w, UnresolvedName) and w.outcome is NameOutcome.NOT_TRIED for _, w in pairs]
    await conn.execute(
        """
        update name_check_line l
        set outcome = u.outcome, found_id = u.found_id, found_handle = u.found_handle, note = u.note,
            asked_at = $1::timestamptz,
            answered_at = case when u.ask_at is null then $1::timestamptz end, ask_at = u.ask_at,
            tries = l.tries + (u.ask_at is not null)::int
        from unnest($2::bigint[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[]) as u (name_check_id, position, outcome, found_id, found_handle, note, ask_at)
        where l.name_check_id = u.name_check_id and l.position = u.position and l.outcome = 'not tried'
        """,
        now,
        [name.check_id for name, _ in pairs],
        [name.position for name, _ in pairs],
        [(w.outcome if isinstance(w, UnresolvedName) else NameOutcome.RESOLVED).value for _, w in pairs],
        [None if isinstance(w, UnresolvedName) else w.native_id for _, w in pairs],
        [None if isinstance(w, UnresolvedName) else w.handle for _, w in pairs],
        [note_of(name.said, w) for name, w in pairs],
        [
            now + min(timedelta(minutes=2 ** min(name.tries, 10)), _LONGEST_PAUSE) if again else None
            for (name, _), again in zip(pairs, is_open, strict=True)
        ],
    )


async def watch_lines(
    conn: Conn,
    check: NameCheck,
    positions: Collection[int],
    lists: tuple[str, ...],
    tags: tuple[str, ...],
    actor: str,
    now: datetime,
) -> tuple[WatchLineResult, ...]:
    """Watch the accounts of the chosen lines that mean one, and say of each account what was done.

    `lists` and `tags` are added to those of the table. Lines that mean no account are left out. Raises
    Refused, and nothing is stored, when one of them is a control account of the settings.
    """
    wanted = set(positions)
    chosen = [line for line in await lines_of(conn, check.check_id) if line.position in wanted]
    lines = without_repeats(chosen)
    rows = [as_row(line, lists, tags) for line in lines]
    people = [Identified(row, row.account_id or "", row.handle) for row in rows]
    results = await watch(conn, people, check.source, actor, now)
    did = {
        (line.said.platform, line.found and line.found.native_id): result.did
        for line, result in zip(lines, results, strict=True)
    }
    done = [(line.position, did[line.said.platform, line.found.native_id]) for line in chosen if line.found]
    await conn.execute(
        """
        update name_check_line l set done = u.done from unnest($2::int[], $3::text[]) as u (position, done)
        where l.name_check_id = $1 and l.position = u.position
        """,
        check.check_id,
        [position for position, _ in done],
        [what for _, what in done],
    )
    return results


async def remove_old_checks(conn: Conn, now: datetime) -> int:
    """Remove the checks that were made more than `KEPT` ago, and return how many."""
    rows = await conn.fetch("delete from name_check where made_at < $1 returning 1", now - KEPT)
    return len(rows)


def _line(row: Record) -> CheckedLine:
    found = None if row["found_id"] is None else ResolvedName(row["found_id"], row["found_handle"])
    return CheckedLine(
        position=row["position"],
        said=_said(row),
        outcome=None if row["outcome"] is None else NameOutcome(row["outcome"]),
        found=found,
        note=row["note"],
        ask_at=row["ask_at"],
        asked_at=row["asked_at"],
        answered_at=row["answered_at"],
        lists=tuple(row["lists"]),
        tags=tuple(row["tags"]),
        followers=row["followers"],
        account_id=None if row["account_id"] is None else AccountId(row["account_id"]),
        watched=row["watched"],
        done=row["done"],
    )


def _said(row: Record) -> ParsedName:
    platform = None if row["platform"] is None else Platform(row["platform"])
    return ParsedName(
        row["line"],
        row["said"],
        platform,
        row["handle"],
        row["native_id"],
        row["post_id"],
        row["left_out"],
    )
