"""Importing causes: a table of them, or the notice of a platform as it was forwarded."""

from collections.abc import Sequence
from datetime import datetime

from jobs.base.wording import number
from jobs.imports.table_imports import ImportReport, WatchLineResult
from storage.causes.cause_import import RecordedCause, record_notice, record_once, subject_called
from storage.causes.ledger import CauseDocument
from storage.model.causes.causes import CauseKind, CauseSubject
from storage.model.causes.causes_csv import CauseRow, cause_rows
from storage.model.causes.platform_notices import NoticeError, read_notice
from storage.model.tables.csv_rows import TableError, sorted_problems
from storage.postgres.pool import Conn, Pool, Refused, transaction

NOTICE_TYPE = "message/rfc822"


async def import_causes(
    pool: Pool, content: bytes, name: str, actor: str, now: datetime, *, partial: bool
) -> ImportReport:
    """Import causes. One that stands already stays unchanged. Raises TableError when the file as a whole
    cannot be read.
    """
    parsed = cause_rows(content, name, now)
    problems = list(parsed.problems)
    async with transaction(pool) as conn:
        about: list[tuple[CauseRow, CauseSubject]] = []
        for row in parsed.rows:
            try:
                about.append((row, await subject_called(conn, row.named)))
            except Refused as refused:
                problems.append(TableError(name, row.line, str(refused)))
        found = sorted_problems(problems)
        if problems and not (partial and about):
            return ImportReport("causes", (), found, stored=False, summary="", ignored=parsed.ignored)
        lines = [await _stored(conn, row, subject, actor, now) for row, subject in about]
    return _report("causes", name, lines, parsed.ignored, found)


async def _stored(
    conn: Conn, row: CauseRow, subject: CauseSubject, actor: str, now: datetime
) -> WatchLineResult:
    return _line(row.line, row.text.kind, await record_once(conn, subject, row.text, actor, now))


async def import_notice(pool: Pool, content: bytes, name: str, actor: str, now: datetime) -> ImportReport:
    """Record the cause that a platform's notice states, and keep the email. Raises TableError if it is no
    notice, Refused if it states no cause or nothing that it is about is stored.
    """
    try:
        notice = read_notice(content)
    except NoticeError as error:
        raise TableError(name, None, str(error)) from error
    document = CauseDocument(name, NOTICE_TYPE, content)
    async with transaction(pool) as conn:
        recorded = await record_notice(conn, notice, document, actor, now)
    return _report("notice", name, [_line(0, notice.kind, one) for one in recorded])


def _line(line: int, kind: CauseKind | None, done: RecordedCause) -> WatchLineResult:
    did = f"recorded {'as' if done.is_new else 'before as'} cause {done.cause_id}"
    return WatchLineResult(line, f"{kind}", did, changed=done.is_new)


def _report(
    what: str,
    name: str,
    lines: Sequence[WatchLineResult],
    ignored: tuple[str, ...] = (),
    problems: tuple[TableError, ...] = (),
) -> ImportReport:
    new = sum(line.changed for line in lines)
    return ImportReport(
        what,
        tuple(lines),
        problems,
        stored=True,
        summary=f"{number(new, 'cause')} of {name} recorded.",
        figures={"causes": len(lines), "new": new},
        ignored=ignored,
    )
