"""Import what others published: histories of statuses, a crawl of withheld accounts, figures of demands.

A record is stored under its own name and never mixed with Blockline's readings. A history has no coverage,
because Blockline made none of its observations; its changes hold the sightings that bound them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from jobs.base.wording import number
from jobs.imports.histories import Histories, Key, PriorRecord, is_history, joined, read_histories
from jobs.imports.table_imports import ImportReport, import_crawl
from jobs.imports.transparency_figures import FIGURES, differences, is_figures, read_figures
from jobs.imports.withheld_crawl import is_crawl, read_crawl
from storage.countries.transparency_figures import add_reports, reports, stored_reports
from storage.imports.imports import ImportResult, import_history, spans_told, told_before
from storage.model.bitemporal.imported_records import ImportedHistory
from storage.model.core.accounts import Platform
from storage.model.orders.published_vs_observed import code_of, codes_by_name
from storage.model.orders.transparency_figures import TransparencyReport
from storage.model.tables.csv_rows import TableError, header_of, read_table, sorted_problems
from storage.model.text.countries import official_names
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount, counted_targets
from storage.postgres.pool import Conn, Pool, transaction

LONGEST_NAME = 100
_NAMED = 8
"""The most names of countries without a code that are listed."""
Say = Callable[[str], None]
"""Receives a message about each step."""


async def import_record(
    pool: Pool,
    content: bytes,
    name: str,
    now: datetime,
    say: Say,
    *,
    source: str | None,
    list_name: str | None,
    partial: bool,
) -> ImportReport:
    """Import the file called `name`, whose header says what it is, as `source`: all lines or none.

    None as `source` means the name of the file without its endings. With `partial`, the correct lines are
    stored. Raises TableError if the file as a whole cannot be read, or if it takes no source or list and one
    is given.
    """
    columns = header_of(content)
    if is_figures(columns):
        if source is not None or list_name is not None:
            raise TableError(
                name,
                None,
                "figures of legal demands name their source on each line and belong to no list. Import them "
                "without --name and --list.",
            )
        return await _import_figures(pool, content, name, now, partial=partial)
    source = source or without_endings(name)
    if is_crawl(columns):
        crawl = read_crawl(content, name)
        history = replace(crawl.history, name=source, list_name=list_name or crawl.history.list_name)
        return await import_crawl(pool, replace(crawl, history=history), now, partial=partial)
    if is_history(columns):
        read = read_histories(content, name, columns, now)
        return await _import_histories(pool, read, now, say, source, list_name or source, partial=partial)
    raise _unknown(content, name, columns)


def without_endings(file_name: str) -> str:
    """`history` of `history.csv.gz`."""
    return clean(Path(file_name.removesuffix(".gz")).stem, LONGEST_NAME)


def _unknown(content: bytes, name: str, columns: Sequence[str]) -> TableError:
    if not columns:
        read_table(content, name, ())  # raises what is wrong with the file
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        return TableError(name, 1, "the columns are not separated by commas; save the file with commas.")
    if "period" in columns:
        return TableError(
            name,
            1,
            "figures of legal demands have the columns period, country or iso2, source, source_url, and at "
            f"least one of {', '.join(FIGURES)}.",
        )
    return TableError(
        name,
        1,
        "the columns are not those of a record that Blockline knows (see `blockline import --help`). Import "
        "a watch list with `blockline accounts import`, and orders with `blockline orders import`.",
    )


async def _import_histories(
    pool: Pool, read: Histories, now: datetime, say: Say, source: str, list_name: str, *, partial: bool
) -> ImportReport:
    if _refused(read.problems, read.accounts, partial=partial):
        return ImportReport("history", (), read.problems, stored=False, summary="", ignored=read.ignored)
    async with transaction(pool) as conn:
        say(f"{read.name}: comparing {counted_targets(read.accounts).words()} with what is stored")
        before = await _before(conn, source, read.accounts)
        histories, contradicted = joined(read, source, list_name, before)
        problems = sorted_problems((*read.problems, *contradicted))
        if _refused(problems, histories, partial=partial):
            return ImportReport("history", (), problems, stored=False, summary="", ignored=read.ignored)
        say(f"{read.name}: storing {number(sum(len(h.changes) for h in histories), 'change')}")
        done = [await import_history(conn, history, now) for history in histories]
    lines = read.lines - len(contradicted)
    return ImportReport(
        "history",
        (),
        problems,
        stored=True,
        summary=_summary(source, lines, histories, done),
        figures={
            "lines_taken": lines,
            "accounts": sum(len(h.accounts) for h in histories),
            "new_accounts": sum(d.accounts for d in done),
            "new_changes": sum(d.changes - d.corrected for d in done),
            "corrected_changes": sum(d.corrected for d in done),
        },
        ignored=read.ignored,
    )


async def _before(conn: Conn, source: str, keys: Collection[Key]) -> dict[Key, PriorRecord]:
    out: dict[Key, PriorRecord] = {}
    for platform in Platform:
        if ids := [native_id for where, native_id in keys if where is platform]:
            changes = await told_before(conn, source, platform, ids)
            spans = await spans_told(conn, source, platform, ids)
            for native_id in changes.keys() | spans.keys():
                before = PriorRecord(tuple(changes.get(native_id, ())), tuple(spans.get(native_id, ())))
                out[platform, native_id] = before
    return out


def _summary(
    source: str, lines: int, histories: Sequence[ImportedHistory], done: Sequence[ImportResult]
) -> str:
    recorded = counted_targets((h.platform, one.native_id) for h in histories for one in h.accounts)
    whole = f"{number(lines, 'line')} about {recorded.words()}"
    if all(d.is_repeat for d in done):
        return f"{whole}: imported before, so nothing is new."
    new, corrected = sum((d.targets for d in done), TargetCount()), sum(d.corrected for d in done)
    changes = number(sum(d.changes for d in done) - corrected, "change")
    targets = new.words().replace(" and ", ", ")  # then "and" comes before the changes
    corrections = (
        f" {number(corrected, 'change')} of earlier imports {'has' if corrected == 1 else 'have'} other "
        "bounds now, and the old ones are superseded."
        if corrected
        else ""
    )
    return (
        f"{whole}: {targets} and {changes} are new.{corrections} "
        f"They are stored as import:{clean(source)}; {recorded.none.lower()} is watched because of it."
    )


async def _import_figures(
    pool: Pool, content: bytes, name: str, now: datetime, *, partial: bool
) -> ImportReport:
    read = read_figures(content, name, now)
    if _refused(read.problems, read.lines, partial=partial):
        return ImportReport("transparency", (), read.problems, stored=False, summary="", ignored=read.ignored)
    async with transaction(pool) as conn:
        stored = await stored_reports(conn, list(read.lines.values()))
        changed = [
            TableError(name, line, _changed(report, stored[report.key]))
            for line, report in read.lines.items()
            if stored.get(report.key, report) != report
        ]
        problems = sorted_problems((*read.problems, *changed))
        if changed and not partial:
            return ImportReport("transparency", (), problems, stored=False, summary="", ignored=read.ignored)
        new = [report for report in read.lines.values() if report.key not in stored]
        await add_reports(conn, new, now)
        by_name = codes_by_name(await reports(conn), official_names())
    nowhere = sorted({clean(r.country) for r in read.lines.values() if code_of(r, by_name) is None})
    taken = len(read.lines) - len(changed)
    return ImportReport(
        "transparency",
        (),
        problems,
        stored=True,
        summary=f"{number(taken, 'line')} of figures: {number(len(new), 'line') if new else 'nothing'} new."
        f"{_without_country(nowhere)}",
        figures={"lines_taken": taken, "new_reports": len(new)},
        ignored=read.ignored,
    )


def _without_country(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f" Shown without a country, because they have no code: {', '.join(names[:_NAMED])}{more}."


def _changed(report: TransparencyReport, stored: TransparencyReport) -> str:
    return (
        f"{clean(report.country)} in {report.period} by {clean(report.source)} is stored with other figures "
        f"({differences(report, stored)}); give changed figures a source of their own."
    )


def _refused(problems: Collection[TableError], rest: Collection[object], *, partial: bool) -> bool:
    return bool(problems) and not (partial and rest)
