"""Causes that come in files: each about something that a user or a platform's notice calls by its name."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from storage.causes.cause_documents import CauseDocument
from storage.causes.ledger import causes_about, record_causes, recording_about
from storage.changes.evidence_pack import change_number
from storage.model.causes.causes import (
    USUAL_CONFIDENCE,
    CauseFault,
    CauseKind,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
    checked_cause,
    standing,
)
from storage.model.causes.causes_csv import CauseRow, NamedSubject, cause_rows
from storage.model.causes.platform_notices import NoticeError, PlatformNotice, read_notice
from storage.model.tables.csv_rows import TableError, sorted_problems
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import Conn, Pool, Refused, transaction

NOTICE_TYPE = "message/rfc822"
_Name = TypeVar("_Name")


@dataclass(frozen=True, slots=True)
class RecordedCause:
    """What became of one cause that was to be recorded."""

    cause_id: int
    is_new: bool
    """False: the same cause stands already, and nothing was stored."""


@dataclass(frozen=True, slots=True)
class ImportedCause:
    """What became of a line of a file."""

    line: int
    """0: the file is an email."""
    kind: CauseKind
    recorded: RecordedCause


@dataclass(frozen=True, slots=True)
class CauseImport:
    """What became of a file."""

    causes: tuple[ImportedCause, ...]
    """Empty if nothing was stored because of the problems."""
    problems: tuple[TableError, ...] = ()
    """The refused lines."""
    ignored: tuple[str, ...] = ()
    """Columns that are not used."""


async def record_table(
    pool: Pool, content: bytes, name: str, actor: str, now: datetime, *, partial: bool = False
) -> CauseImport:
    """Record the causes of a CSV file; one that stands already is not recorded again. If a line is refused,
    nothing is stored, unless `partial`: then the others are.

    Raises TableError when the file as a whole cannot be read, or has too many rows.
    """
    parsed = await asyncio.to_thread(cause_rows, content, name, now)
    async with transaction(pool) as conn:
        called = await subjects_called(conn, [row.named for row in parsed.rows])
        problems = list(parsed.problems)
        about: list[tuple[CauseRow, CauseSubject]] = []
        for row, subject in zip(parsed.rows, called, strict=True):
            if isinstance(subject, CauseSubject):
                about.append((row, subject))
            else:
                problems.append(TableError(name, row.line, subject))
        found = sorted_problems(problems)
        if problems and not partial:
            return CauseImport((), found, parsed.ignored)
        recorded = await record_once(conn, [(subject, row.text) for row, subject in about], actor, now)
    causes = [
        ImportedCause(row.line, row.text.kind, one) for (row, _), one in zip(about, recorded, strict=True)
    ]
    return CauseImport(tuple(causes), found, parsed.ignored)


async def record_notice(pool: Pool, content: bytes, name: str, actor: str, now: datetime) -> CauseImport:
    """Record the cause that a platform's notice states, and keep the email. Raises TableError if it is no
    notice, Refused if it states no cause or nothing that it is about is stored.
    """
    try:
        notice = await asyncio.to_thread(read_notice, content)
    except NoticeError as error:
        raise TableError(name, None, str(error)) from error
    if notice.kind is None:
        raise Refused("The notice says that somebody asked, not that anything was done. It states no cause.")
    document = CauseDocument(name, NOTICE_TYPE, content)
    try:
        async with transaction(pool) as conn:
            recorded = await _of_notice(conn, notice, notice.kind, document, actor, now)
    except CauseFault as fault:
        raise TableError(name, None, str(fault)) from fault
    return CauseImport(tuple(ImportedCause(0, notice.kind, one) for one in recorded))


async def subject_called(conn: Conn, named: NamedSubject) -> CauseSubject:
    """Return what a user calls by these words. Raises Refused if there is none, or more than one."""
    (found,) = await subjects_called(conn, [named])
    if not isinstance(found, CauseSubject):
        raise Refused(found)
    return found


async def subjects_called(conn: Conn, named: Sequence[NamedSubject]) -> list[CauseSubject | str]:
    """Return what a user calls by each of these words; a sentence where it is nothing, or more than one."""
    orders = await _orders(conn, [one.order for one in named if one.order])
    changes = await _changes(conn, [one.change for one in named if one.change])
    accounts = await _accounts(conn, [one for one in named if one.platform is not None])
    found: list[CauseSubject | str] = []
    for one in named:
        if one.order:
            numbers = [CauseSubject(order_id=number) for number in orders.get(one.order, ())]
            none, several = f"There is no order {clean(one.order)!r}.", ""
        elif one.platform is None:
            numbers = [CauseSubject(change_id=number) for number in changes.get(one.change, ())]
            called = f"called {clean(one.change)!r}."
            none, several = f"No change is {called}", f"Several changes are {called}"
        else:
            numbers = [CauseSubject(account_id=number) for number in accounts.get(one, ())]
            called = f"called {clean(one.account_id or one.handle)!r} on {PLATFORM_NAME[one.platform]}."
            none, several = f"No stored account is {called}", f"Several stored accounts are {called}"
        found.append(numbers[0] if len(numbers) == 1 else several if numbers else none)
    return found


async def _orders(conn: Conn, references: Sequence[str]) -> Mapping[str, list[int]]:
    rows = await conn.fetch(
        "select reference, order_id from legal_order where reference = any($1::text[])", references
    )
    return {r["reference"]: [r["order_id"]] for r in rows}


async def _changes(conn: Conn, names: Sequence[str]) -> Mapping[str, list[int]]:
    """At most two of each name, which may be a number, a key, or the beginning of a key."""
    numbers = {name: change_number(name) for name in names}
    rows = await conn.fetch(
        """
        select u.name, c.change_id
        from unnest($1::text[], $2::bigint[]) as u (name, number) join change c on c.change_id = u.number
        union all
        select u.name, k.change_id from unnest($3::text[]) as u (name) cross join lateral (
            select c.change_id from standing_change c
            where c.change_key >= lower(u.name) and c.change_key < lower(u.name) || 'g'
            order by c.change_id limit 2
        ) k
        """,
        list(numbers),
        list(numbers.values()),
        [name for name, number in numbers.items() if number is None],
    )
    return _grouped((r["name"], r["change_id"]) for r in rows)


async def _accounts(conn: Conn, named: Sequence[NamedSubject]) -> Mapping[NamedSubject, list[int]]:
    """As `storage.accounts.lookup.accounts_named`, of many at once."""
    each = list(dict.fromkeys(named))
    rows = await conn.fetch(
        """
        with u as (
            select * from unnest($1::text[], $2::text[], $3::boolean[]) with ordinality
                as u (platform, name, is_id, n)
        )
        select u.n, a.account_id from u join account a on a.platform = u.platform and a.native_id = u.name
        union
        select u.n, a.account_id from u join account a on lower(a.handle) = lower(u.name)
        where a.platform = u.platform and not u.is_id
        order by account_id
        """,
        [one.platform for one in each],
        [one.account_id or one.handle for one in each],
        [one.account_id is not None for one in each],
    )
    numbers: list[tuple[NamedSubject, int]] = [(each[r["n"] - 1], r["account_id"]) for r in rows]
    return _grouped(numbers)


def _grouped(found: Iterable[tuple[_Name, int]]) -> Mapping[_Name, list[int]]:
    numbers: dict[_Name, list[int]] = {}
    for name, number in found:
        numbers.setdefault(name, []).append(number)
    return numbers


async def record_once(
    conn: Conn,
    stated: Sequence[tuple[CauseSubject, CauseText]],
    actor: str,
    now: datetime,
    document: CauseDocument | None = None,
) -> list[RecordedCause]:
    """Record each of these causes that does not stand already, and return what became of each. With
    `document`, it stands only if it has that document. Raises as `record_cause` does.
    """
    checked = [(subject, checked_cause(text, now)) for subject, text in stated]
    subjects = [subject for subject, _ in checked]
    await recording_about(conn, subjects, now)  # before it is looked for: somebody may be recording the same
    stands = {
        (cause.subject, cause.text): cause.cause_id
        for cause in standing(await causes_about(conn, subjects))
        if document is None or cause.document == document.digest
    }
    new = [one for one in dict.fromkeys(checked) if one not in stands]
    numbers = await record_causes(conn, new, actor, now, document) if new else []
    stands |= zip(new, numbers, strict=True)
    fresh = set(new)
    done: list[RecordedCause] = []
    for one in checked:
        done.append(RecordedCause(stands[one], is_new=one in fresh))
        fresh.discard(one)
    return done


async def _of_notice(
    conn: Conn,
    notice: PlatformNotice,
    kind: CauseKind,
    document: CauseDocument,
    actor: str,
    now: datetime,
) -> list[RecordedCause]:
    """Of the posts that it names and that are stored, else of the account that it was sent to. Raises Refused
    if nothing of it is stored.
    """
    text = CauseText(
        kind=kind,
        said_by=CauseSource.PLATFORM_NOTICE,
        speaker=PLATFORM_NAME[notice.platform],
        legal_basis=notice.legal_basis,
        source=document.name,
        stated_on=notice.sent_at,
        confidence=(
            Confidence.REPORTED if notice.is_quoted else USUAL_CONFIDENCE[CauseSource.PLATFORM_NOTICE]
        ),
        note=" ".join(_notes(notice)),
    )
    named = [NamedSubject(notice.platform, handle) for handle in notice.posts or (notice.handle,)]
    subjects = [one for one in await subjects_called(conn, named) if isinstance(one, CauseSubject)]
    if not subjects:
        what = "of its posts" if notice.posts else f"@{clean(notice.handle)}"
        raise Refused(f"The notice is about {what}, of which none is stored. Watch it, and try again.")
    return await record_once(conn, [(subject, text) for subject in subjects], actor, now, document)


def _notes(notice: PlatformNotice) -> Iterator[str]:
    if notice.requested_by:
        yield f"Requested by {clean(notice.requested_by)}."
    if notice.is_quoted:
        yield "The owner quotes it; the date is that of the quotation."
