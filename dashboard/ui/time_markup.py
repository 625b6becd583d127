"""Marks the moments in a page's words, so that the reader's browser can tell them in the reader's own zone.

Pages are written in UTC, with the words of `dashboard.ui.words`. Before a page leaves, its moments become
`time` elements that say the same and carry the moment itself; assets/shell/times.mjs writes those anew when
the reader chose the local zone. What others wrote is quoted and stays as it is: text in “…”, in elements of
the class QUOTED, and in elements that are for texts as they came.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, cast

from dash import html
from dash.development.base_component import Component

from dashboard.ui import words

QUOTED: Final = "quoted"
"""Class of an element whose text is somebody else's, such as the subject of a mail as it was sent."""
_AS_THEY_CAME = (html.Pre, html.Code, html.Textarea, html.Option, html.Button, html.Iframe)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = rf"\d{{1,2}} (?:{'|'.join(_MONTHS)}) \d{{4}}"
_CLOCK = r"\d{2}:\d{2}(?::\d{2})?"
_FOUND = re.compile(
    rf"“[^”]*”?"
    rf"|between (?P<day_1>{_DAY}), (?P<clock_1>{_CLOCK}) and (?P<day_2>{_DAY}), (?P<clock_2>{_CLOCK}) UTC"
    rf"|(?P<day_3>{_DAY}), between (?P<clock_3>{_CLOCK}) and (?P<clock_4>{_CLOCK}) UTC"
    rf"|(?P<day_5>{_DAY}), (?P<clock_5>{_CLOCK}) UTC"
    rf"|\b(?P<day_6>{_DAY})\b(?!, {_CLOCK})"
)

Piece = str | dict[str, str]
"""Words as they are, or a moment: its "text" in UTC, "at" what time, and "from" when it is an interval."""


def pieces(text: str) -> list[Piece]:
    """A text cut at its moments. An interval is one moment: "at" its end, "from" its beginning."""
    found: list[Piece] = []
    done = 0
    for match in _FOUND.finditer(text):
        moment = _moment(match)
        if moment is None:
            continue
        if match.start() > done:
            found.append(text[done : match.start()])
        found.append({"text": match[0], **moment})
        done = match.end()
    if done < len(text):
        found.append(text[done:])
    return found


def _moment(match: re.Match[str]) -> dict[str, str] | None:
    part = match.groupdict()
    try:
        if part["day_1"]:
            return {
                "at": _iso(part["day_2"], part["clock_2"]),
                "from": _iso(part["day_1"], part["clock_1"]),
            }
        if part["day_3"]:
            return {
                "at": _iso(part["day_3"], part["clock_4"]),
                "from": _iso(part["day_3"], part["clock_3"]),
            }
        if part["day_5"]:
            return {"at": _iso(part["day_5"], part["clock_5"])}
        return {"at": _date(part["day_6"])} if part["day_6"] else None
    except ValueError:  # such as the 31st of February, which we never wrote
        return None


def _date(day: str) -> str:
    number, month, year = day.split()
    return datetime(int(year), _MONTHS.index(month) + 1, int(number), tzinfo=UTC).date().isoformat()


def _iso(day: str, clock: str) -> str:
    """To the second only where the words say the second."""
    datetime.strptime(clock, "%H:%M:%S" if len(clock) > len("12:00") else "%H:%M")  # noqa: DTZ007 - checked only
    return f"{_date(day)}T{clock}Z"


def day(at: datetime) -> Component:
    """The day of a moment that is known, so that another zone may have another day.

    Not for what others recorded, who may know no more than the day: `words.day` says the day of UTC.
    """
    return _part(words.day(at), at, "day")


def clock(at: datetime) -> Component:
    """The time of day of a moment."""
    return _part(f"{words.clock(at)} UTC", at, "clock")


def _part(text: str, at: datetime, of: str) -> Component:
    known: dict[str, Any] = {"dateTime": f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}", "data-as": of}
    return html.Time(text, **known)


def timed(component: Component) -> Component:
    """The same page, with its moments as `time` elements."""
    if isinstance(component, (html.Time, *_AS_THEY_CAME)) or _is_quoted(component):
        return component
    children = getattr(component, "children", None)
    if children is not None:
        kept = list(_timed(children))
        component.children = kept[0] if not isinstance(children, list | tuple) and len(kept) == 1 else kept
    return component


def _timed(children: object) -> Iterator[object]:
    if isinstance(children, str):
        yield from (piece if isinstance(piece, str) else _element(piece) for piece in pieces(children))
    elif isinstance(children, Component):
        yield timed(children)
    elif isinstance(children, list | tuple):
        for child in cast("list[object]", children):
            if isinstance(child, list | tuple):
                yield list(_timed(cast("list[object]", child)))
            else:
                yield from _timed(child)
    else:
        yield children


def _is_quoted(component: Component) -> bool:
    return QUOTED in (getattr(component, "className", None) or "").split()


def _element(piece: dict[str, str]) -> Component:
    known: dict[str, Any] = {"dateTime": piece["at"]}
    if "from" in piece:
        known["data-from"] = piece["from"]
    return html.Time(piece["text"], **known)
