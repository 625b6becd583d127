"""Pure: the orders in a published table of legal demands from India, which has one line per name.

Its columns are `COLUMNS`. Others checked the names: from no stated place (`account_status_2021mid`), from the
United States and from India. When is not stated, so nothing in it dates a change.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.base.wording import handle_name, number
from jobs.orders.formats import ImportedOrder, Orders, PublishedCheck, Remark, accounts_in
from storage.model.core.availability import State, Status
from storage.model.core.orders import NewOrder
from storage.model.platforms.registry import USUAL_PLATFORM
from storage.model.tables import csv_cells
from storage.model.tables.account_references import AddressError, is_handle
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import CsvRow, Parsed, TableError, read_table, sorted_problems
from storage.model.tables.said_names import ParsedName, cut_note, post_of
from storage.model.text.states import PLATFORM_NAME, clean

COLUMNS = (
    "notice_date",
    "notice_id",
    "notice_reports_restoration",
    "handle",
    "target",
    "post_id",
    "account_status_2021mid",
    "seen_from_us",
    "seen_from_india",
)
_NOT_NEEDED = ("followers", "statuses")
_COUNTRY = "IN"
_NOT_STATED = "not stated"
_WITHHELD = re.compile(r"(?:account|tweet)_withheld_([A-Z]{2})")
_STATES = {
    "available": State(Status.AVAILABLE),
    "visible": State(Status.AVAILABLE),
    "protected": State(Status.PROTECTED),
    "suspended": State(Status.SUSPENDED),
    "account_suspended": State(Status.SUSPENDED),
    "deactivated_or_not_found": State(Status.NOT_FOUND),
    "tweet_not_found": State(Status.NOT_FOUND),
}
_OF_ACCOUNT = ("account_", "protected", "suspended", "available", "deactivated")


@dataclass(frozen=True, slots=True)
class _Demand:
    """One line."""

    line: int
    day: datetime
    notice: str
    restores: bool
    handle: str
    post_id: str | None
    post_said: str
    cut: str
    account: str
    views: tuple[tuple[str, str], ...]
    """Place and answer."""


def is_legal_demands(columns: Sequence[str]) -> bool:
    """Whether a header is that of such a table, even if other columns are missing."""
    return {"notice_date", "notice_id", "target"} <= set(columns)


def read_legal_demands(content: bytes, name: str, now: datetime, *, by_day: bool) -> Parsed[Orders]:
    """Return one order per notice, or with `by_day` one per day. Refused lines are its problems.

    Raises TableError when the file as a whole cannot be read.
    """
    table = read_table(content, name, COLUMNS, _NOT_NEEDED)
    demands: list[_Demand] = []
    problems = list(table.problems)
    days: dict[str, tuple[datetime, int]] = {}
    for row in table.rows:
        try:
            demands.append(_demand(row, days))
        except CellError as fault:
            problems.append(TableError(name, row.line, str(fault)))
    groups: dict[str, list[_Demand]] = {}
    for demand in demands:
        key = f"{_COUNTRY}-{demand.day:%Y-%m-%d}" if by_day else demand.notice
        groups.setdefault(key, []).append(demand)
    orders = tuple(_order(reference, some, now) for reference, some in groups.items())
    found = Orders(orders, tuple(_remarks(demands, by_day=by_day)), _totals(demands))
    return Parsed((found,) if orders else (), sorted_problems(problems), table.ignored)


def state_of(answer: str) -> State | None:
    """Return the state for an answer of the table; None when the answer shows no state."""
    withheld = _WITHHELD.fullmatch(answer)
    return State(Status.WITHHELD, (withheld[1],)) if withheld else _STATES.get(answer)


def _demand(row: CsvRow, days: dict[str, tuple[datetime, int]]) -> _Demand:
    """Read one line. `days` are the dates of the notices so far, each with its first line."""
    if not row["notice_date"] or not row["notice_id"]:
        raise CellError("notice_date or notice_id is empty; both are needed to assign the line to an order.")
    handle = csv_cells.text(row["handle"], "handle")
    if not is_handle(USUAL_PLATFORM, handle):
        raise CellError(f"{clean(handle)!r} is not a handle of {PLATFORM_NAME[USUAL_PLATFORM]}.")
    if row["target"] not in {"account", "tweet"}:
        raise CellError(f"target {clean(row['target'])!r} must be account or tweet.")
    if row["notice_reports_restoration"] not in {"0", "1"}:
        raise CellError("notice_reports_restoration must be 0 or 1.")
    post_id, cut = None, ""
    if row["target"] == "tweet":
        try:
            post_id, cut = post_of(row["post_id"])
        except AddressError as fault:
            raise CellError(f"post_id {fault}") from fault
    day, line = csv_cells.day(row["notice_date"], "notice_date"), row.line
    stated, first = days.setdefault(row["notice_id"], (day, line))
    if stated != day:
        raise CellError(
            f"the date of notice {clean(row['notice_id'])} differs from its date on line {first}; use one "
            "date."
        )
    return _Demand(
        line=line,
        day=day,
        notice=row["notice_id"],
        restores=row["notice_reports_restoration"] == "1",
        handle=handle,
        post_id=post_id,
        post_said=f"{handle}/status/{row['post_id']}",
        cut=cut,
        account=row["account_status_2021mid"],
        views=(("US", row["seen_from_us"]), (_COUNTRY, row["seen_from_india"])),
    )


def _order(reference: str, demands: Sequence[_Demand], now: datetime) -> ImportedOrder:
    day = demands[0].day
    accounts: dict[str, ParsedName] = {}
    posts: dict[str, ParsedName] = {}
    answers: dict[str, list[PublishedCheck]] = {}
    for d in demands:
        if d.post_id is None:
            said = accounts.setdefault(
                d.handle.lower(), ParsedName(d.line, d.handle, USUAL_PLATFORM, d.handle)
            )
        else:
            handle, note = f"{d.handle}/{d.post_id}", cut_note(d.cut)
            post = ParsedName(d.line, d.post_said, USUAL_PLATFORM, handle, post_id=d.post_id, note=note)
            said = posts.setdefault(d.post_said, post)
        answers.setdefault(said.words, []).append(_check("", d.account, of_post=False))
        answers[said.words].extend(
            _check(place, answer, of_post=_is_of_post(answer, d)) for place, answer in d.views
        )
    restored = sorted({d.notice for d in demands if d.restores})
    names = (*accounts.values(), *posts.values())
    notices = sorted({d.notice for d in demands})
    title = f"Legal demand {reference}" if len(notices) == 1 else f"{len(notices)} legal demands"
    order = NewOrder(
        reference=reference,
        title=f"{title} of {day:%Y-%m-%d}" + ("; it reports a restoration" if restored else ""),
        issuer=_NOT_STATED,
        country=_COUNTRY,
        legal_basis=_NOT_STATED,
        issued_at=day,
        issued_from=day,
        issued_to=day + timedelta(days=1, seconds=-1),
        deadline_at=None,
        named_count=accounts_in(names),
        list_name=reference,
        known_at=now,
    )
    return ImportedOrder(
        demands[0].line,
        order,
        names,
        {said: _merged(some) for said, some in answers.items()},
        _summary(len(demands), len(accounts), len(posts), notices, restored),
    )


def _summary(lines: int, accounts: int, posts: int, notices: Sequence[str], restored: Sequence[str]) -> str:
    summary = f"{number(accounts, 'handle')} and {number(posts, 'post')} on {number(lines, 'line')}"
    if len(notices) > 1:
        summary += f" of {number(len(notices), 'notice')}"
    if restored:
        which = ", ".join(map(clean, restored))
        summary += f"; {which} reports that something was restored, not what or when"
    return summary


def _is_of_post(answer: str, demand: _Demand) -> bool:
    if answer.startswith("tweet_"):
        return True
    return demand.post_id is not None and not answer.startswith(_OF_ACCOUNT)


def _check(place: str, answer: str, *, of_post: bool) -> PublishedCheck:
    return PublishedCheck(place, of_post, answer, state_of(answer))


def _merged(checks: Sequence[PublishedCheck]) -> tuple[PublishedCheck, ...]:
    """Merge the checks of each place: an answer that shows a state replaces those that show none.

    If two answers show different states, both are kept in one check without a state.
    """
    out: list[PublishedCheck] = []
    for place, of_post in dict.fromkeys((c.place, c.of_post) for c in checks):
        there = [c for c in checks if (c.place, c.of_post) == (place, of_post) and c.answer]
        with_state = list(dict.fromkeys(c for c in there if c.state is not None))
        some = with_state or list(dict.fromkeys(there))
        if some:
            answer = "; ".join(c.answer for c in some)
            out.append(PublishedCheck(place, of_post, answer, some[0].state if len(some) == 1 else None))
    return tuple(out)


def _remarks(demands: Sequence[_Demand], *, by_day: bool) -> list[Remark]:
    """Say what was cut off, and which lines repeat a name."""
    out: list[Remark] = []
    first: dict[tuple[object, str, str], int] = {}
    for d in demands:
        what = handle_name(d.handle) if d.post_id is None else f"post {d.post_id} of {handle_name(d.handle)}"
        group = d.day if by_day else d.notice
        line = first.setdefault((group, d.handle.lower(), d.post_id or ""), d.line)
        if d.cut:
            out.append(Remark(d.line, what, f"is stored without {clean(d.cut)!r} after its id"))
        if line != d.line:
            out.append(Remark(d.line, what, f"repeats line {line} and counts once"))
    return out


def _totals(demands: Sequence[_Demand]) -> str:
    notices: dict[str, set[str]] = {}
    for d in demands:
        notices.setdefault(d.handle.lower(), set()).add(d.notice)
    several = sum(len(some) > 1 for some in notices.values())
    undated = "The table does not say when others checked the names, so it dates no change."
    if not several:
        return undated
    are = "handle is" if several == 1 else "handles are"
    return f"{several:,} {are} in more than one notice. {undated}"
