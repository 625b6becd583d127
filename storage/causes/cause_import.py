"""Causes that come in files: each about something that a user or a platform's notice calls by its name."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.accounts.lookup import accounts_named
from storage.causes.cause_documents import CauseDocument
from storage.causes.ledger import causes_about, record_causes
from storage.changes.evidence_pack import changes_named
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
from storage.model.core.accounts import Platform
from storage.model.tables.csv_rows import TableError, sorted_problems
from storage.model.text.states import PLATFORM_NAME, clean
from storage.orders.orders import number_of
from storage.postgres.pool import Conn, Refused

NOTICE_TYPE = "message/rfc822"


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
    conn: Conn, content: bytes, name: str, actor: str, now: datetime, *, partial: bool = False
) -> CauseImport:
    """Record the causes of a CSV file; one that stands already is not recorded again. If a line is refused,
    nothing is stored, unless `partial`: then the others are.

    Raises TableError when the file as a whole cannot be read.
    """
    parsed = await asyncio.to_thread(cause_rows, content, name, now)
    problems = list(parsed.problems)
    about: list[tuple[CauseRow, CauseSubject]] = []
    for row in parsed.rows:
        try:
            about.append((row, await subject_called(conn, row.named)))
        except Refused as refused:
            problems.append(TableError(name, row.line, str(refused)))
    found = sorted_problems(problems)
    if problems and not partial:
        return CauseImport((), found, parsed.ignored)
    # What says the same is recorded at once: nothing else is recorded until this transaction ends.
    alike: dict[CauseText, list[tuple[CauseRow, CauseSubject]]] = {}
    for row, subject in about:
        alike.setdefault(row.text, []).append((row, subject))
    causes: list[ImportedCause] = []
    for text, rows in alike.items():
        recorded = await record_once(conn, [subject for _, subject in rows], text, actor, now)
        causes += [
            ImportedCause(row.line, text.kind, one) for (row, _), one in zip(rows, recorded, strict=True)
        ]
    return CauseImport(tuple(sorted(causes, key=lambda one: one.line)), found, parsed.ignored)


async def record_notice(conn: Conn, content: bytes, name: str, actor: str, now: datetime) -> CauseImport:
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
        recorded = await _of_notice(conn, notice, notice.kind, document, actor, now)
    except CauseFault as fault:
        raise TableError(name, None, str(fault)) from fault
    return CauseImport(tuple(ImportedCause(0, notice.kind, one) for one in recorded))


async def subject_called(conn: Conn, named: NamedSubject) -> CauseSubject:
    """Return what a user calls by these words. Raises Refused if there is none, or more than one."""
    if named.order:
        order_id = await number_of(conn, named.order)
        if order_id is None:
            raise Refused(f"There is no order {clean(named.order)!r}.")
        return CauseSubject(order_id=order_id)
    if named.platform is None:
        found = await changes_named(conn, named.change)
        if len(found) != 1:
            fault = "Several changes are" if found else "No change is"
            raise Refused(f"{fault} called {clean(named.change)!r}.")
        return CauseSubject(change_id=found[0])
    name = named.account_id or named.handle
    accounts = await accounts_named(conn, named.platform, name, is_id=named.account_id is not None)
    if len(accounts) != 1:
        fault = "Several stored accounts are" if accounts else "No stored account is"
        raise Refused(f"{fault} called {clean(name)!r} on {PLATFORM_NAME[named.platform]}.")
    return CauseSubject(account_id=accounts[0].account_id)


async def record_once(
    conn: Conn,
    subjects: Sequence[CauseSubject],
    text: CauseText,
    actor: str,
    now: datetime,
    document: CauseDocument | None = None,
) -> list[RecordedCause]:
    """Record a cause of each of these of which the same one does not stand already, and return what became of
    each. One that stands with another document, or with none, is not the same. Raises as `record_cause` does.
    """
    text = checked_cause(text, now)
    stored = standing(await causes_about(conn, subjects))
    same = (c for c in stored if c.text == text and (document is None or c.document == document.digest))
    before = {cause.subject: cause.cause_id for cause in same}
    new = [subject for subject in dict.fromkeys(subjects) if subject not in before]
    numbers = await record_causes(conn, new, text, actor, now, document) if new else []
    stands, fresh = before | dict(zip(new, numbers, strict=True)), set(new)
    done: list[RecordedCause] = []
    for subject in subjects:
        done.append(RecordedCause(stands[subject], is_new=subject in fresh))
        fresh.discard(subject)
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
    subjects = await _subjects(conn, notice.platform, notice.posts or (notice.handle,))
    if not subjects:
        what = "of its posts" if notice.posts else f"@{clean(notice.handle)}"
        raise Refused(f"The notice is about {what}, of which none is stored. Watch it, and try again.")
    return await record_once(conn, subjects, text, actor, now, document)


def _notes(notice: PlatformNotice) -> Iterator[str]:
    if notice.requested_by:
        yield f"Requested by {clean(notice.requested_by)}."
    if notice.is_quoted:
        yield "The owner quotes it; the date is that of the quotation."


async def _subjects(conn: Conn, platform: Platform, handles: Sequence[str]) -> list[CauseSubject]:
    found = [await accounts_named(conn, platform, handle) for handle in handles]
    return [CauseSubject(account_id=accounts[0].account_id) for accounts in found if len(accounts) == 1]
