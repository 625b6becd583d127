"""Importing causes from the command line: a table of them, or a platform's notice as it was forwarded."""

from datetime import datetime

from jobs.base.wording import number
from jobs.imports.table_imports import ImportReport, WatchLineResult
from storage.causes.cause_import import CauseImport, ImportedCause, record_notice, record_table
from storage.postgres.pool import Pool


async def import_causes(
    pool: Pool, content: bytes, name: str, actor: str, now: datetime, *, partial: bool
) -> ImportReport:
    """Import causes. One that stands already stays unchanged. Raises TableError when the file as a whole
    cannot be read, or is too long.
    """
    done = await record_table(pool, content, name, actor, now, partial=partial)
    if done.problems and not done.causes:
        return ImportReport("causes", (), done.problems, stored=False, summary="", ignored=done.ignored)
    return _report("causes", name, done)


async def import_notice(pool: Pool, content: bytes, name: str, actor: str, now: datetime) -> ImportReport:
    """Record the cause that a platform's notice states, and keep the email. Raises TableError if it is no
    notice, Refused if it states no cause or nothing that it is about is stored.
    """
    return _report("notice", name, await record_notice(pool, content, name, actor, now))


def _report(what: str, name: str, done: CauseImport) -> ImportReport:
    new = sum(one.recorded.is_new for one in done.causes)
    return ImportReport(
        what,
        tuple(_line(one) for one in done.causes),
        done.problems,
        stored=True,
        summary=f"{number(new, 'cause')} of {name} recorded.",
        figures={"causes": len(done.causes), "new": new},
        ignored=done.ignored,
    )


def _line(one: ImportedCause) -> WatchLineResult:
    cause = one.recorded
    did = f"recorded {'as' if cause.is_new else 'before as'} cause {cause.cause_id}"
    return WatchLineResult(one.line, f"{one.kind}", did, changed=cause.is_new)
