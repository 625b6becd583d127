"""Pure: what others recorded of an executive's engagement becomes signals and counters, no more than it says.

The header tells what a file is:

- follows `window_start,window_end,actor,signal,target[,note]`: two lists compared; the act lies between them.
  Such a list is by handle, so that a rename looks like an unfollow and a follow in one window;
- acts `observed_at,event_at,actor,signal,target,post_id`: an act is known by its observation. The time that
  the record gives it is kept as its own only where it can be right;
- counters `actor,observed_at,statuses,following,followers,likes`: an empty line is a poll that failed. A
  counter that falls says of nothing that it was undone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise

from jobs.imports.engagement_checks import EngagementLine, judged_acts, judged_follows
from storage.model.core.accounts import Platform
from storage.model.core.signals import Counters, Doubt, Signal, SignalKind
from storage.model.tables import csv_cells
from storage.model.tables.account_references import is_handle, is_native_id
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_rows import CsvRow, TableError, read_table, sorted_problems
from storage.model.text.states import PLATFORM_NAME, clean

FOLLOWS = ("window_start", "window_end", "actor", "signal", "target")
ACTS = ("observed_at", "event_at", "actor", "signal", "target", "post_id")
COUNTERS = ("actor", "observed_at", "statuses", "following", "followers", "likes")

GAP = timedelta(minutes=15)
"""Between two polls that answered: what is longer is a gap, in which nobody knows what the counters said."""
_LONGEST_ID = 200
_FOLLOWING = (SignalKind.FOLLOW, SignalKind.UNFOLLOW)


class EngagementForm(StrEnum):
    FOLLOWS = "engagement_follows"
    ACTS = "engagement_acts"
    COUNTERS = "engagement_counters"


@dataclass(frozen=True, slots=True)
class EngagementFile:
    """A file as far as it makes sense by itself."""

    form: EngagementForm
    name: str
    lines: int
    """Lines that were taken."""
    signals: tuple[Signal, ...] = ()
    counters: tuple[Counters, ...] = ()
    problems: tuple[TableError, ...] = ()
    ignored: tuple[str, ...] = ()
    findings: dict[str, int] = field(default_factory=dict[str, int])
    """How often each trap was met, and how long things took in seconds."""


def form_of(columns: Sequence[str]) -> EngagementForm | None:
    """What a file with this header holds; None when it is no engagement."""
    forms = {EngagementForm.FOLLOWS: FOLLOWS, EngagementForm.ACTS: ACTS, EngagementForm.COUNTERS: COUNTERS}
    return next((form for form, known in forms.items() if set(known) <= set(columns)), None)


def read_engagement(
    content: bytes, name: str, form: EngagementForm, platform: Platform, now: datetime
) -> EngagementFile:
    """What a file called `name` says of one executive on `platform`, and a problem for each wrong line.

    Raises TableError when the file as a whole cannot be read, or is about more than one actor.
    """
    match form:
        case EngagementForm.FOLLOWS:
            table = read_table(content, name, FOLLOWS, ("note",))
        case EngagementForm.ACTS:
            table = read_table(content, name, ACTS)
        case EngagementForm.COUNTERS:
            table = read_table(content, name, COUNTERS)
    actors = sorted({row["actor"] for row in table.rows})
    if len(actors) > 1:
        named = ", ".join(map(clean, actors[:4]))
        raise TableError(
            name, None, f"the file contains {len(actors)} actors ({named}); import one file per actor."
        )
    problems = list(table.problems)
    if form is EngagementForm.COUNTERS:
        return _counters(table.rows, name, now, problems, table.ignored)
    read = _follow if form is EngagementForm.FOLLOWS else _act
    recorded: list[EngagementLine] = []
    for row in table.rows:
        _take(row, name, lambda row=row: recorded.append(read(row, platform, now)), problems)
    first, repeats = _once(recorded, name, problems)
    judge = judged_follows if form is EngagementForm.FOLLOWS else judged_acts
    signals, findings = judge(first)
    return EngagementFile(
        form,
        name,
        len(first) + repeats,
        signals=signals,
        problems=sorted_problems(problems),
        ignored=table.ignored,
        findings={"repeated_lines": repeats, **findings},
    )


def _take(row: CsvRow, name: str, work: Callable[[], object], problems: list[TableError]) -> None:
    try:
        work()
    except CellError as fault:
        problems.append(TableError(name, row.line, str(fault)))


def _once(
    recorded: Sequence[EngagementLine], name: str, problems: list[TableError]
) -> tuple[list[EngagementLine], int]:
    """Each act by its first observation, and how many lines repeat one. What contradicts it is refused."""
    first: dict[str, EngagementLine] = {}
    repeats = 0
    for one in sorted(recorded, key=lambda t: (t.seen_at, t.line)):
        known = first.setdefault(one.key, one)
        if known is one:
            continue
        if (known.target, known.said_at) == (one.target, one.said_at):
            repeats += 1
        else:
            problems.append(
                TableError(
                    name, one.line, f"line {known.line} has another target or time for the same engagement."
                )
            )
    return list(first.values()), repeats


def _follow(row: CsvRow, platform: Platform, now: datetime) -> EngagementLine:
    since, until = _past(row, "window_start", now), _past(row, "window_end", now)
    if until <= since:
        raise CellError("window_end is not after window_start.")
    kind = _kind(row, _FOLLOWING)
    target, doubts = _target(row["target"], platform)
    named = sha256(target.encode()).hexdigest()[:24] if doubts else target
    native_id = f"{named}:{int(until.timestamp())}"
    signal = Signal(kind, native_id, None, target, target, until, since, doubts)
    return EngagementLine(row.line, f"{kind}:{native_id}", signal, until, target=target, note=row["note"])


def _act(row: CsvRow, platform: Platform, now: datetime) -> EngagementLine:
    seen_at = _past(row, "observed_at", now)
    said_at = csv_cells.moment(row["event_at"], "event_at") if row["event_at"] else None
    kind = _kind(row, tuple(k for k in SignalKind if k not in _FOLLOWING))
    post_id = csv_cells.text(row["post_id"], "post_id")
    if len(post_id) > _LONGEST_ID or not (post_id.isascii() and post_id.isprintable()):
        raise CellError(f"post_id {clean(post_id)!r} is not the id of a post.")
    target, doubts = _target(row["target"], platform) if row["target"] else (None, ())
    signal = Signal(kind, post_id, said_at, None, target, seen_at, None, doubts)
    return EngagementLine(row.line, f"{kind}:{post_id}", signal, seen_at, said_at, target or "")


def _past(row: CsvRow, column: str, now: datetime) -> datetime:
    at = csv_cells.moment(row[column], column)
    if at > now:
        raise CellError(f"{column} {row[column]!r} is in the future.")
    return at


def _kind(row: CsvRow, known: Sequence[SignalKind]) -> SignalKind:
    for kind in known:
        if row["signal"] == kind:
            return kind
    raise CellError(f"unknown signal {clean(row['signal'])!r}; known in this file are {', '.join(known)}.")


def _target(cell: str, platform: Platform) -> tuple[str, tuple[Doubt, ...]]:
    """The target's native id; else its handle, with the sign that tells them apart."""
    text = csv_cells.text(cell, "target")
    if is_native_id(platform, text):
        return text, ()
    handle = text.removeprefix("@")
    if not is_handle(platform, handle):
        raise CellError(f"target {clean(text)!r} is neither an id nor a handle of {PLATFORM_NAME[platform]}.")
    return f"@{handle.lower()}", (Doubt.TARGET_BY_HANDLE,)


def _counters(
    rows: Sequence[CsvRow], name: str, now: datetime, problems: list[TableError], ignored: tuple[str, ...]
) -> EngagementFile:
    found: dict[datetime, tuple[int, Counters]] = {}
    repeats = 0
    for row in rows:
        try:
            one = _counter(row, now)
        except CellError as fault:
            problems.append(TableError(name, row.line, str(fault)))
            continue
        line, known = found.setdefault(one.at, (row.line, one))
        if line == row.line:
            continue
        if known == one:
            repeats += 1
        else:
            problems.append(TableError(name, row.line, f"line {line} has other counts for the same time."))
    counters = tuple(one for _, one in sorted(found.values(), key=lambda f: f[1].at))
    return EngagementFile(
        EngagementForm.COUNTERS,
        name,
        len(counters) + repeats,
        counters=counters,
        problems=sorted_problems(problems),
        ignored=ignored,
        findings={"repeated_lines": repeats, **_met_in_counters(counters)},
    )


def _counter(row: CsvRow, now: datetime) -> Counters:
    at = _past(row, "observed_at", now)
    return Counters(at, *(_whole(row, column) for column in COUNTERS[2:]))


def _whole(row: CsvRow, column: str) -> int | None:
    cell = row[column]
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit() and len(cell) < 16):
        raise CellError(f"{column} {clean(cell)!r} is not a whole number.")
    return int(cell)


def _met_in_counters(counters: Sequence[Counters]) -> dict[str, int]:
    answered = [c for c in counters if not is_failed(c)]
    silent = [b.at - a.at for a, b in pairwise(answered) if b.at - a.at > GAP]
    unasked = [b.at - a.at for a, b in pairwise(counters) if b.at - a.at > GAP]
    return {
        "failed_polls": len(counters) - len(answered),
        "gaps": len(silent),
        "gaps_without_a_poll": len(unasked),
        "longest_gap_s": int(max(silent, default=timedelta()).total_seconds()),
        **{f"falls_{what}": _falls(answered, what) for what in COUNTERS[2:]},
    }


def is_failed(counters: Counters) -> bool:
    """Whether the poll gave nothing at all."""
    return all(getattr(counters, what) is None for what in COUNTERS[2:])


def _falls(counters: Sequence[Counters], what: str) -> int:
    values = [value for c in counters if (value := getattr(c, what)) is not None]
    return sum(b < a for a, b in pairwise(values))
