"""Import what others recorded about an executive's engagements, into the rows of collected ones."""

from datetime import datetime, timedelta

from dashboard.ui.words import span
from jobs.base.errors import CommandError
from jobs.base.wording import handle_name, number
from jobs.imports.account_lookup import find_account
from jobs.imports.engagement_parse import (
    ACTS,
    COUNTERS,
    FOLLOWS,
    EngagementFile,
    EngagementForm,
    form_of,
    read_engagement,
)
from jobs.imports.table_imports import ImportReport
from storage.executives import signals
from storage.model.core.accounts import Executive, Platform
from storage.model.tables.csv_rows import TableError, header_of, read_table
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import Conn, Pool, transaction


async def import_engagement(
    pool: Pool, content: bytes, name: str, whose: str, source: str, now: datetime, *, partial: bool
) -> ImportReport:
    """Store what the file `name` says about the executive `whose` (PLATFORM:HANDLE-OR-ID), as `source`.

    Stores all lines or none; with `partial`, the correct lines. Raises CommandError if `whose` is not a
    stored executive, and TableError if the file as a whole cannot be read.
    """
    form = form_of(header_of(content))
    if form is None:
        raise _unknown(content, name)
    async with transaction(pool) as conn:
        executive = await executive_named(conn, whose)
        platform, account_id = executive.account.platform, executive.account.account_id
        read = read_engagement(content, name, form, platform, now)
        if read.problems and not (partial and read.lines):
            return ImportReport(form.value, (), read.problems, stored=False, summary="", ignored=read.ignored)
        origin = f"import:{source}"
        new = await signals.add_signals(conn, account_id, read.signals, now, origin)
        named = await signals.name_targets(conn, account_id)
        counted = await signals.add_counters(conn, account_id, read.counters, origin)
    return ImportReport(
        form.value,
        (),
        read.problems,
        stored=True,
        summary="\n".join(_sentences(read, executive, origin, new, counted, named)),
        figures={
            "lines_taken": read.lines,
            "new_signals": new,
            "new_counters": counted,
            "targets_on_file": named,
            **read.findings,
        },
        ignored=read.ignored,
    )


async def executive_named(conn: Conn, whose: str) -> Executive:
    """Find the stored executive that PLATFORM:HANDLE-OR-ID means. Raises CommandError."""
    word, colon, name = whose.partition(":")
    try:
        platform = Platform(word.lower())
    except ValueError:
        platform = None
    if platform is None or not colon or not name:
        known = ", ".join(p.value for p in Platform)
        raise CommandError(f"--as: {clean(whose)!r} is not PLATFORM:HANDLE-OR-ID; the platform is {known}.")
    account = await find_account(conn, name, platform)
    for executive in await signals.executives(conn, platform):
        if executive.account.account_id == account.account_id:
            return executive
    raise CommandError(
        f"{handle_name(account.handle)} on {PLATFORM_NAME[platform]} is stored, but not as an executive. "
        "Add it first with: blockline executives import FILE"
    )


def _unknown(content: bytes, name: str) -> TableError:
    if not header_of(content):
        read_table(content, name, ())  # raises what is wrong with the file
    forms = "; ".join(",".join(columns) for columns in (FOLLOWS, ACTS, COUNTERS))
    return TableError(
        name, 1, f"the columns are not those of an engagement record. Use one of these headers: {forms}."
    )


def _sentences(
    read: EngagementFile, executive: Executive, source: str, new: int, counted: int, named: int
) -> list[str]:
    who = f"{clean(executive.name)}, {handle_name(executive.account.handle)}"
    if read.form is EngagementForm.COUNTERS:
        fresh = f"{number(counted, 'poll')} new" if counted else "imported before, so nothing is new"
    else:
        fresh = f"{number(new, 'engagement')} new" if new else "imported before, so nothing is new"
    out = [f"{read.name}: {number(read.lines, 'line')} about {who}: {fresh}. Stored as {clean(source, 120)}."]
    found = read.findings
    if n := found["repeated_lines"]:
        out.append(f"{number(n, 'line')} repeated another line: stored once.")
    match read.form:
        case EngagementForm.FOLLOWS:
            out += _of_follows(found)
        case EngagementForm.ACTS:
            out += _of_times(found)
        case EngagementForm.COUNTERS:
            out += _of_counters(found)
    if named:
        out.append(f"{number(named, 'engagement')} linked to a stored account by its handle.")
    return out


def _of_follows(found: dict[str, int]) -> list[str]:
    out = ["Each happened between two observations of the list; the exact time is not known."]
    if n := found["likely_renames"]:
        out.append(f"Likely renames (an unfollow and a follow): {number(n, 'line')}, stored but not counted.")
    if n := found["pairs_that_look_like_a_rename_and_are_not_marked"]:
        out.append(
            f"Possible renames: {number(n, 'pair')} in one window, which the record does not mark as it "
            "marks others; counted as engagements."
        )
    if n := found["target_may_have_been_gone"]:
        out.append(
            f"Unfollowed, and followed again days later: {number(n, 'engagement')}; the target may have been "
            "gone."
        )
    return out


def _of_times(found: dict[str, int]) -> list[str]:
    out: list[str] = []
    if n := found["time_impossible"]:
        out.append(
            f"{number(n, 'time')} cannot be right ({found['after_its_observation']} after the observation, "
            f"{found['long_before_its_observation']} long before it, {found['in_a_stretch_of_such']} in a "
            "row of such times): not stored. Only the time of observation is known for these."
        )
    if n := found["without_a_time"]:
        out.append(f"{number(n, 'engagement')} without a time: only the time of observation is known.")
    lag, most = (span(timedelta(seconds=found[f"lag_s_{name}"])) for name in ("median", "p95"))
    out.append(
        f"Delay until observed: half within {lag}, 95 % within {most}; "
        f"{number(found['seen_late'], 'engagement')} more than an hour. Both times are stored."
    )
    return out


def _of_counters(found: dict[str, int]) -> list[str]:
    out: list[str] = []
    if n := found["failed_polls"]:
        out.append(f"{number(n, 'poll')} failed (an empty line): stored as missed, not as zero.")
    if n := found["gaps"]:
        longest = span(timedelta(seconds=found["longest_gap_s"]))
        out.append(
            f"{number(n, 'gap')} of more than 15 minutes without an answer, the longest {longest}; in "
            f"{found['gaps_without_a_poll']} of them there was no poll."
        )
    falls = {what: n for what in COUNTERS[2:] if (n := found[f"falls_{what}"])}
    if falls:
        said = ", ".join(f"{what} {n:,} times" for what, n in falls.items())
        out.append(
            f"Counters fell: {said}. The falls are stored; they do not show which engagement was undone, "
            "if any."
        )
    return out
