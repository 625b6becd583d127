"""One story as its reader has it; for who may, with the forms to change it."""

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component
from markupsafe import Markup

from dashboard.stories.chart_style import alone
from dashboard.stories.content import CaptionContent, StoryContent, story_content
from dashboard.stories.form_input import field, filled_with
from dashboard.stories.forms import Lists, add_form, caption_forms, head_form, remove_form
from dashboard.stories.reader import StoryRead
from dashboard.stories.words import CauseRow, Row
from dashboard.ui.cards import card, facts_list, td
from dashboard.ui.chart_style import Theme
from dashboard.ui.time_markup import QUOTED
from storage.model.stories.stories import MOST_CAPTIONS
from storage.model.text.states import capital

SHOWN_MEMBERS = 200
"""Accounts and posts that the page lists; the file lists more."""


def story_page(read: StoryRead, lists: Lists | None, theme: Theme, tag: list[Component]) -> Component:
    """`lists` are those that the story may be given; None: whoever looks may not change it."""
    said = story_content(read)
    number = read.story.story_id
    return html.Div(
        [
            html.Div(
                [
                    html.A("Stories", href="/stories", className="under"),
                    html.Span("/", className="faint"),
                    html.H1(said.title, dir="auto", className=QUOTED),
                    *tag,
                    html.Span(className="grow"),
                    html.A(
                        "As one file",
                        href=f"/stories/{number}/story.html",
                        className="button",
                        title="For readers without a login; the file does not need this dashboard",
                    ),
                ],
                className="bar",
            ),
            html.Div(
                [
                    _head(said, theme),
                    *(
                        part
                        for one in said.captions
                        for part in [_moment(one, said.kinds, theme, editable=lists is not None)]
                    ),
                    *([] if lists is None else [_editing(read, lists)]),
                    card(
                        "All changes of the range",
                        "each happened between two readings",
                        _changes(said.changes, said.not_listed, said.kinds),
                        *_causes(said.causes),
                        *([html.P(said.causes_note, className="nothing")] if said.causes_note else []),
                    ),
                    _members(said),
                    _about(said),
                ],
                className="stack story",
            ),
        ]
    )


def _head(said: StoryContent, theme: Theme) -> Component:
    return html.Section(
        [
            html.P(said.knowledge, className="lead", id="knowledge"),
            html.Dl(
                [html.Div([html.Dt(name), html.Dd(value)]) for name, value in said.facts],
                className="head-facts",
            ),
            _figure(said.overview, theme, "Range at a glance"),
            html.Ul(
                [html.Li([html.Img(src=alone(sample, theme), alt=""), name]) for sample, name in said.signs],
                className="key",
            ),
        ],
        className="card",
    )


def _moment(one: CaptionContent, kinds: str, theme: Theme, *, editable: bool) -> Component:
    return html.Section(
        [
            html.Div(
                [html.H2(f"Moment {one.number}"), html.Span(one.at, className="muted")], className="card-head"
            ),
            html.P(one.caption.text, dir="auto", className=f"caption {QUOTED}"),
            html.P(f"In figures, {one.knowledge}:", className="nothing"),
            facts_list(one.facts),
            _figure(one.figure, theme, f"What was seen up to moment {one.number}"),
            html.Div(
                [
                    _counts("State", one.states, kinds),
                    *(
                        [
                            _counts(
                                "Country",
                                [(f"Withheld in {name}", n, late) for name, n, late in one.countries],
                                kinds,
                            )
                        ]
                        if one.countries
                        else []
                    ),
                ],
                className="two",
            ),
            html.H3(f"What changed {one.changes_since}"),
            _changes(one.changes, one.not_listed, kinds),
            *_causes(one.causes),
            *([caption_forms(one.caption, one.number)] if editable else []),
        ],
        className="card moment",
        id=f"caption-{one.number}",
    )


def _counts(what: str, rows: Sequence[Row], kinds: str) -> Component:
    names = (capital(kinds), "Not read recently")
    return html.Div(
        html.Table(
            [
                html.Thead(html.Tr([html.Th(what), *(html.Th(name, className="n") for name in names)])),
                html.Tbody(
                    [
                        html.Tr(
                            [
                                html.Th(name, scope="row"),
                                *(td(n, label, "n") for n, label in zip(numbers, names, strict=True)),
                            ]
                        )
                        for name, *numbers in rows
                    ]
                ),
            ],
            className="labelled",
        ),
        className="narrow",
    )


def _changes(rows: Sequence[Row], more: str, kinds: str) -> Component:
    if not rows:
        return html.P("No confirmed change.", className="nothing")
    table = html.Table(
        [
            html.Thead(html.Tr([html.Th("Change"), html.Th(capital(kinds), className="n"), html.Th("When")])),
            html.Tbody(
                [
                    html.Tr([html.Th(what, scope="row"), td(n, capital(kinds), "n"), td(when, "When")])
                    for what, n, when in rows
                ]
            ),
        ],
        className="labelled",
    )
    return html.Div([table, *([html.P(more, className="nothing")] if more else [])], className="narrow")


def _causes(rows: Sequence[CauseRow]) -> list[Component]:
    if not rows:
        return []
    statement = "Statement and source"
    table = html.Table(
        [
            html.Thead(html.Tr([html.Th("About"), html.Th(statement)])),
            html.Tbody([html.Tr([html.Th(about, scope="row"), td(said, statement)]) for about, said in rows]),
        ],
        className="labelled",
    )
    note = "Stated by people and documents, never concluded; each counted by the surest."
    return [
        html.H3("Why they were blocked or gone"),
        html.P(note, className="nothing"),
        html.Div(table, className="narrow"),
    ]


def _figure(drawn: Markup, theme: Theme, label: str) -> Component:
    """An image; its words for who does not see it are those of the figure itself."""
    wild: dict[str, Any] = {"aria-label": label}
    described = str(drawn).partition("<desc")[2].partition(">")[2].partition("</desc>")[0]
    return html.Div(
        [
            html.Img(src=alone(drawn, theme), alt=Markup(described).unescape()),  # noqa: S704 - our own words
            html.P("The times in this figure are in UTC.", className="in-utc"),
        ],
        className="drawn",
        role="group",
        tabIndex=0,
        **wild,
    )


def _editing(read: StoryRead, lists: Lists) -> Component:
    story = read.story
    more = len(story.captions) < MOST_CAPTIONS
    last = story.captions[-1].at if story.captions else story.head.since
    return card(
        "Edit",
        "every edit is in the audit log",
        html.Div(
            [
                *([add_form(story.story_id, field(last))] if more else []),
                html.Details(
                    [
                        html.Summary(["Title, range, list, view"]),
                        html.Div([head_form(story.story_id, filled_with(story), lists)], className="forms"),
                    ],
                    className="fold",
                ),
                html.Details(
                    [
                        html.Summary(["Remove story"]),
                        html.Div(
                            [
                                html.P(
                                    "Removes the story and its captions. Files that you have shared stay."
                                ),
                                remove_form(story.story_id),
                            ],
                            className="forms",
                        ),
                    ],
                    className="fold",
                ),
            ],
            className="forms",
        ),
    )


def _members(said: StoryContent) -> Component:
    rows = said.members[:SHOWN_MEMBERS]
    left = len(said.members) - len(rows)
    note = said.members_note or (f"The file lists {left:,} more." if left else "")
    return card(
        capital(said.kinds),
        "statuses at the end of the range",
        html.Details(
            [
                html.Summary([f"{len(rows):,} {said.kinds}"]),
                html.Div(
                    html.Table(
                        [
                            html.Thead(
                                html.Tr([html.Th(capital(said.kinds)), html.Th("At the end of the range")])
                            ),
                            html.Tbody(
                                [
                                    html.Tr(
                                        [
                                            html.Th(
                                                [html.Bdi(handle), html.Small(platform)],
                                                scope="row",
                                                className=QUOTED,
                                            ),
                                            td(state, "At the end"),
                                        ]
                                    )
                                    for handle, platform, state in rows
                                ]
                            ),
                        ],
                        className="labelled",
                    ),
                    className="narrow",
                ),
                *([html.P(note, className="nothing")] if note else []),
            ]
        ),
    )


def _about(said: StoryContent) -> Component:
    return card(
        "Limits and citation",
        "",
        html.Div(
            [
                *(html.P(one) for one in said.unobserved),
                html.P("SHA-256 of the data of this story, as shown here:"),
                html.P(html.Code(said.sha256), id="sha256"),
            ],
            className="words",
        ),
    )
