"""The forms of stories: what somebody says of a story, and its captions."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.stories.form_input import field
from dashboard.stories.words import VIEW_NAME
from dashboard.ui.forms import choice
from storage.live.lists_and_executives import LiveList
from storage.model.stories.stories import LONGEST_CAPTION, LONGEST_TITLE, Caption
from storage.model.text.states import clean

Lists = Sequence[LiveList]
"""All lists, archived ones included."""


def new_form(begun: Mapping[str, str], lists: Lists) -> Component:
    """A new story, with its first caption where there is a moment to begin with."""
    first = _caption_fields(begun["at"], "") if begun["at"] else []
    return _form("", [*_head(begun, lists), *first], "Save story", None)


def head_form(story_id: int, values: Mapping[str, str], lists: Lists) -> Component:
    return _form("/change", _head(values, lists), "Save changes", ("story", story_id))


def add_form(story_id: int, at: str) -> Component:
    return _form("/captions", _caption_fields(at, ""), "Add caption", ("story", story_id))


def caption_forms(caption: Caption, number: int) -> Component:
    """To change a caption, and to remove it; folded."""
    button = ("caption", caption.caption_id)
    return html.Details(
        [
            html.Summary([f"Edit moment {number}"]),
            html.Div(
                [
                    _form(
                        "/captions/change",
                        _caption_fields(field(caption.at), caption.text),
                        "Save changes",
                        button,
                    ),
                    _form("/captions/remove", [], "Remove caption", button),
                ],
                className="forms",
            ),
        ],
        className="fold",
    )


def remove_form(story_id: int) -> Component:
    return _form("/remove", [], "Remove story", ("story", story_id))


def _head(values: Mapping[str, str], lists: Lists) -> list[Component]:
    in_use = sorted(one.name for one in lists if not one.is_archived)
    names = {"": "all watched accounts", **{name: clean(name, 80) for name in in_use}}
    chosen = values["list"]
    if chosen not in names:
        asked = next((one for one in lists if chosen in {one.name, str(one.list_id)}), None)
        chosen = chosen if asked is None else asked.name
        mark = " (archived)" if asked is not None and asked.is_archived else ""
        # What an address asks for and is not there is refused by name.
        names[chosen] = f"{clean(chosen, 80)}{mark}"
    return [
        _line(
            "title",
            "Title",
            values["title"],
            "6 pm: all 257 back",
            required=True,
            most=LONGEST_TITLE,
            wide=True,
        ),
        _line("from", "From (UTC)", values["from"], "2021-02-01T06:00", required=True),
        _line("to", "To (UTC)", values["to"], "2021-02-01T18:00", required=True),
        choice("list", "Accounts", names, chosen),
        choice("view", "Show each moment", {v.value: name for v, name in VIEW_NAME.items()}, values["view"]),
        _line("as_known_at", "Known at (UTC)", values["as_known_at"], "time of viewing"),
    ]


def _caption_fields(at: str, text: str) -> list[Component]:
    return [
        _line("at", "Moment (UTC)", at, "2021-02-01T12:30", required=True),
        html.Label(
            [
                html.Span(f"Caption, at most {LONGEST_CAPTION} characters"),
                html.Textarea(text, name="text", rows=3, required=True, maxLength=LONGEST_CAPTION),
            ],
            className="wide",
        ),
    ]


def _line(
    name: str,
    label: str,
    value: str,
    empty: str,
    *,
    required: bool = False,
    most: int = 40,
    wide: bool = False,
) -> Component:
    wild: dict[str, Any] = {"data-line": ""}
    return html.Label(
        [
            html.Span(label),
            html.Textarea(
                value,
                name=name,
                rows=1,
                placeholder=empty,
                required=required,
                maxLength=most,
                spellCheck="true" if wide else "false",
                **wild,
            ),
        ],
        className="wide" if wide else "",
    )


def _form(act: str, fields: Sequence[Component], label: str, sends: tuple[str, int] | None) -> Component:
    """`sends` is a field, by name and number, that goes with its button."""
    named: dict[str, Any] = {"name": sends[0], "value": str(sends[1])} if sends is not None else {}
    look = "button danger" if act.endswith("remove") else "button primary"
    return html.Form(
        [*fields, html.Button(label, type="submit", className=look, **named)],
        action=f"/api/stories{act}",
        method="post",
        className="form",
        key=f"{act}{sends}{hash(str(fields))}",
    )
