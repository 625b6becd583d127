"""Pure: the picture of a wave. How many accounts were blocked in the course of time, and the same in words.

A change lies somewhere between the last contrary reading and the first agreeing one. So the picture has
no single line: it shows how many must have been blocked at each instant, and how many can have been.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.base.wording import interval, minute, number
from jobs.messages.chart_paint import Chart, paint
from jobs.messages.chart_scale import Bounds, ChartStep
from storage.model.text.states import capital


@dataclass(frozen=True, slots=True)
class PicturedChange:
    """An account became blocked, or ceased to be.

    The first change of an account tells by contrast what it was before; unless it was never read before.
    A change from one block to another (withheld, then suspended) is none here.
    """

    account_id: int
    blocked: bool
    """The state after the change counts as blocked."""
    last_seen_old: datetime | None
    """The last reading that says the contrary; None when the account had never been read."""
    first_seen_new: datetime


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A moment that the picture points at. It is drawn when it lies within the picture."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class WavePicture:
    since: datetime
    until: datetime
    """As of when the picture is. Nothing is told of what came after."""
    watched: int
    blocked_before: int
    """Accounts that were blocked before the first change."""
    changes: tuple[PicturedChange, ...]
    marks: tuple[ChartMark, ...]
    zone: str
    """Of the readers, for `alternative`. The picture itself is in UTC."""


@dataclass(frozen=True, slots=True)
class ChartChange:
    """A change that the number of blocked accounts depends on, put after the change before it."""

    account_id: int
    blocked: bool
    after: datetime | None
    """None: whether the account was blocked before is not known."""
    seen: datetime
    is_first: bool


def chart_changes(changes: Iterable[PicturedChange]) -> list[ChartChange]:
    """The changes that alter the number of blocked accounts, in the order in which they were seen."""
    known: dict[int, tuple[bool, datetime]] = {}
    out: list[ChartChange] = []
    for change in sorted(changes, key=lambda c: c.first_seen_new):
        account_id, seen, after = change.account_id, change.first_seen_new, change.last_seen_old
        before = known.get(account_id)
        known[account_id] = change.blocked, seen
        if before is None:
            out.append(
                ChartChange(account_id, change.blocked, after and min(after, seen), seen, is_first=True)
            )
        elif before[0] != change.blocked:
            # The reading that showed the state before is a contrary one as well.
            bounded = min(seen, max(after or before[1], before[1]))
            out.append(ChartChange(account_id, change.blocked, bounded, seen, is_first=False))
    return out


def steps(picture: WavePicture) -> tuple[ChartStep, ...]:
    """How many accounts can have been blocked at each instant of the picture; the first step is its start."""
    changes = chart_changes(picture.changes)
    were_blocked = sum(t.is_first and not t.blocked and t.after is not None for t in changes)
    unread = sum(t.after is None for t in changes)
    # Who ceased to be blocked was blocked before, even if the count knows of fewer.
    now = Bounds(max(picture.blocked_before, were_blocked), 0, unread)
    here: defaultdict[datetime, list[Bounds]] = defaultdict(list)
    after: defaultdict[datetime, list[Bounds]] = defaultdict(list)
    for turn in changes:
        if turn.after is None:
            here[turn.seen].append(Bounds(int(turn.blocked), 0, -1))
        elif turn.after == turn.seen:
            here[turn.seen].append(Bounds(1 if turn.blocked else -1, 0, 0))
        else:
            after[turn.after].append(Bounds(0 if turn.blocked else -1, 1, 0))
            here[turn.seen].append(Bounds(int(turn.blocked), -1, 0))
    since = min(picture.since, picture.until)
    out: list[ChartStep] = []
    for at in sorted({since, *here, *after}):
        if at > picture.until:
            break
        then = _sum(now, here[at])
        now = _sum(then, after[at])
        if at >= since:
            out.append(ChartStep(at, then, now if at < picture.until else then))
    return tuple(out)


def _sum(start: Bounds, differences: Sequence[Bounds]) -> Bounds:
    least, changing, unread = start.least, start.changing, start.unread
    for d in differences:
        least, changing, unread = least + d.least, changing + d.changing, unread + d.unread
    return Bounds(least, changing, unread)


def alternative(picture: WavePicture) -> str:
    """The picture for those who do not see it: how many are blocked of how many, and when that came about."""
    course = steps(picture)
    end = course[-1].after
    surely = max(b.least for s in course for b in (s.here, s.after))
    possibly = max(b.most for s in course for b in (s.here, s.after))
    line = f"{_blocked(end, picture.watched)} blocked as of {minute(picture.until)}"
    if surely > end.most:
        line += f", {_amount(surely, possibly)} at the peak"
    return f"{capital(line)}. {_movements(picture)}."


def _blocked(end: Bounds, watched: int) -> str:
    verb = "was" if end.least == end.most == 1 else "were"
    amount = _amount(end.least, end.most)
    if 0 < watched >= end.most:
        return f"{amount} of {number(watched, 'watched account')} {verb}"
    return f"{amount} {'account' if end.most == 1 else 'accounts'} {verb}"


def _amount(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"between {least:,} and {most:,}"


def _movements(picture: WavePicture) -> str:
    changes = [t for t in chart_changes(picture.changes) if t.seen <= picture.until]
    began = [t for t in changes if t.blocked and t.after is not None]
    found = [t for t in changes if t.blocked and t.after is None]
    ended = [t for t in changes if not t.blocked and t.after is not None]
    parts: list[str] = []
    if began:
        parts.append(f"{_accounts(began)} became blocked {_within(began, picture.zone)}")
    if found:
        verb = "was" if len(found) == 1 else "were"
        parts.append(
            f"{_accounts(found)} {verb} found blocked when first read, {_within(found, picture.zone)}"
        )
    if ended:
        parts.append(f"{_accounts(ended)} ceased to be blocked {_within(ended, picture.zone)}")
    return "; ".join(parts) or f"No change was seen since {minute(min(picture.since, picture.until))}"


def _accounts(changes: Sequence[ChartChange]) -> str:
    return number(len({t.account_id for t in changes}), "account")


def _within(changes: Sequence[ChartChange], zone: str) -> str:
    after = [t.after for t in changes if t.after is not None]
    return interval(min(after) if after else None, max(t.seen for t in changes), zone)


def draw(picture: WavePicture) -> bytes:
    """A PNG of 1120 x 360 pixels, made to be shown at half that size. Equal pictures are equal bytes."""
    within = sorted((m for m in picture.marks if picture.since <= m.at <= picture.until), key=lambda m: m.at)
    return paint(
        Chart(steps(picture), picture.until, picture.watched, tuple((m.at, m.label) for m in within))
    )
