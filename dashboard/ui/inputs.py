"""Fields of forms that a Dash callback reads: each with its label, and for a time the zone beside it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from storage.model.orders.order_fields import day_around

ZONE = "UTC"
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[:.]?([0-5][0-9])")


def text_field(
    name: str, label: str, value: str = "", hint: str = "", *, short: bool = False, **more: Any
) -> Component:
    """A field for one line; `name` is its id, `hint` an example or a note below the field."""
    return _labelled(
        label,
        dcc.Input(id=name, type="text", value=value, autoComplete="off", debounce=False, **more),
        hint,
        "short" if short else "",
    )


def long_field(name: str, label: str, value: str = "", hint: str = "", rows: int = 3) -> Component:
    """A field for some lines of text."""
    area = dcc.Textarea(id=name, value=value, rows=rows, spellCheck=False)
    return _labelled(label, area, hint, "long")


def choice_field(
    name: str,
    label: str,
    options: Sequence[Mapping[str, Any]],
    value: str | None,
    hint: str = "",
    **more: Any,
) -> Component:
    """A field with a list to choose from, which can be searched by typing."""
    chosen = dcc.Dropdown(id=name, options=list(options), value=value, **more)  # pyright: ignore[reportArgumentType]
    # A label around Dash's list would open it twice, so the words only stand beside it.
    wild: dict[str, Any] = {"aria-labelledby": f"{name}-label"}
    return html.Div(
        [
            html.Span(label, id=f"{name}-label"),
            html.Div(chosen, role="group", **wild),
            *([html.Small(hint)] if hint else []),
        ],
        className="field",
    )


def checks_field(
    name: str, label: str, options: Mapping[str, str], value: Sequence[str], hint: str = ""
) -> Component:
    """Boxes to tick, by value and words; the value is a list."""
    boxes = dcc.Checklist(
        [{"label": words, "value": one} for one, words in options.items()],
        list(value),
        id=name,
        className="checks",
    )
    return _choices(name, label, boxes, hint)


def radio_field(name: str, label: str, options: Mapping[str, str], value: str | None) -> Component:
    """Buttons of which one is chosen, by value and words."""
    offered = [{"label": words, "value": one} for one, words in options.items()]
    return _choices(name, label, dcc.RadioItems(offered, value, id=name, className="checks"), "")


def _choices(name: str, label: str, boxes: Component, hint: str) -> Component:
    wild: dict[str, Any] = {"aria-labelledby": f"{name}-label"}
    return html.Div(
        [
            html.Span(label, id=f"{name}-label"),
            html.Div(boxes, role="group", **wild),
            *([html.Small(hint)] if hint else []),
        ],
        className="field",
    )


def clock_range_field(name: str, label: str, begins: str, ends: str, hint: str = "") -> Component:
    """Two times of day. The ids are NAME-from and NAME-to."""
    wild: dict[str, Any] = {"aria-labelledby": f"{name}-label"}
    return html.Div(
        [
            html.Span(label, id=f"{name}-label"),
            html.Div(
                [
                    _clock_input(f"{name}-from", begins, f"{label} from"),
                    html.Span("to", className="faint"),
                    _clock_input(f"{name}-to", ends, f"{label} to"),
                ],
                className="moment",
                role="group",
                **wild,
            ),
            *([html.Small(hint)] if hint else []),
        ],
        className="field",
    )


def _clock_input(name: str, value: str, label: str) -> Component:
    typed = dcc.Input(id=name, type="text", value=value, placeholder="hh:mm", autoComplete="off", maxLength=5)
    return html.Label([html.Span(label, className="hidden"), typed])


def moment_field(name: str, label: str, value: "FieldMoment | None" = None, hint: str = "") -> Component:
    """A date to type or to pick, a time of day, and the zone of both. The ids are NAME-date and NAME-time."""
    value = value or FieldMoment()
    wild: dict[str, Any] = {"aria-labelledby": f"{name}-label"}
    return html.Div(
        [
            html.Span(label, id=f"{name}-label"),
            html.Div(
                [
                    _date(f"{name}-date", value.day),
                    dcc.Input(
                        id=f"{name}-time",
                        type="text",
                        value=value.clock,
                        placeholder="hh:mm",
                        autoComplete="off",
                        maxLength=5,
                    ),
                    html.Span(ZONE, className="faint"),
                ],
                className="moment",
                role="group",
                **wild,
            ),
            *([html.Small(hint)] if hint else []),
        ],
        className="field",
    )


def day_range_field(
    name: str, label: str, first: str | None = None, last: str | None = None, hint: str = ""
) -> Component:
    """Two days to type or to pick. The ids are NAME-from and NAME-to."""
    wild: dict[str, Any] = {"aria-labelledby": f"{name}-label"}
    return html.Div(
        [
            html.Span(label, id=f"{name}-label"),
            html.Div(
                [
                    _date(f"{name}-from", first),
                    html.Span("and", className="faint"),
                    _date(f"{name}-to", last),
                    html.Span(ZONE, className="faint"),
                ],
                className="moment",
                role="group",
                **wild,
            ),
            *([html.Small(hint)] if hint else []),
        ],
        className="field",
    )


def _date(name: str, day: str | None) -> Component:
    return dcc.DatePickerSingle(
        id=name,
        date=day,
        display_format="YYYY-MM-DD",
        placeholder="yyyy-mm-dd",
        clearable=True,
        first_day_of_week=1,
    )


def _labelled(label: str, control: Component, hint: str, look: str) -> Component:
    return html.Label(
        [html.Span(label), control, *([html.Small(hint)] if hint else [])], className=f"field {look}".rstrip()
    )


class FieldFault(Exception):
    """A field cannot be used. The message is one sentence that begins with the label of the field."""


@dataclass(frozen=True, slots=True)
class FieldMoment:
    """A moment as the fields of a form have it, in UTC."""

    day: str | None = None
    """Such as 2021-02-04; None for an empty field."""
    clock: str = ""
    """Such as 06:30; empty if the time of day is not known."""

    @classmethod
    def of(cls, at: datetime | None) -> "FieldMoment":
        if at is None:
            return cls()
        at = at.astimezone(UTC)
        return cls(at.date().isoformat(), f"{at:%H:%M}")

    def at(self, label: str, *, or_end_of_day: bool = False) -> datetime | None:
        """Return the moment; None if both fields are empty. Raises FieldFault.

        Without a time it is the beginning of the day, or its last minute.
        """
        clock = self.clock.strip()
        if not self.day:
            if clock:
                raise FieldFault(f"{label}: a time without a date. Add the date.")
            return None
        day = _day_of(self.day, label)
        if not clock:
            return datetime.combine(day, time(23, 59) if or_end_of_day else time(), UTC)
        found = _CLOCK.fullmatch(clock)
        if found is None:
            raise FieldFault(f"{label}: {clock[:20]!r} is not a time of day. Write it like 06:30.")
        return datetime.combine(day, time(int(found[1]), int(found[2])), UTC)


def day_range(first: str | None, last: str | None, label: str) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last second of a range of days; None for an empty field. Raises FieldFault."""
    begin = day_around(datetime.combine(_day_of(first, label), time(), UTC))[0] if first else None
    end = day_around(datetime.combine(_day_of(last, label), time(), UTC))[1] if last else None
    if begin is not None and end is not None and end < begin:
        raise FieldFault(f"{label}: the second day is before the first.")
    return begin, end


def _day_of(text: str, label: str) -> date:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        day = date.min
    if not 1900 <= day.year <= 9998:
        raise FieldFault(f"{label}: {text[:20]!r} is not a date. Write it like 2021-02-04.")
    return day


def count_in(text: str | None, label: str) -> int | None:
    """Return a number; None for an empty field. Raises FieldFault."""
    plain = (text or "").strip().replace(",", "")
    if not plain:
        return None
    if not (plain.isascii() and plain.isdigit() and len(plain) < 10):
        raise FieldFault(f"{label}: {(text or '')[:20]!r} is not a number.")
    return int(plain)
