"""The list of written stories, and the form for a new one."""

from collections.abc import Mapping, Sequence
from functools import partial

from dash import html
from dash.development.base_component import Component

from dashboard.auth.access import STORIES
from dashboard.stories.form_input import begun
from dashboard.stories.forms import Lists, new_form
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.story_page import story_page
from dashboard.stories.words import VIEW_NAME
from dashboard.ui import words
from dashboard.ui.alert_words import actor_words
from dashboard.ui.cards import card, td
from dashboard.ui.pages import Drawing, PageRequest, number_in
from dashboard.ui.time_markup import QUOTED
from storage.live.lists_and_executives import lists
from storage.model.core.people import Actor
from storage.model.stories.stories import WrittenStory
from storage.model.text.states import clean
from storage.model.text.units import number
from storage.stories.stories import all_stories

_NOT_YOURS = "Writing a story needs the role analyst; your role is {role}."
_ABOUT = (
    "A story is a time range with captions at chosen moments. Each caption shows the figures and what was "
    "seen up to that moment. A story can be shared as one file that needs no login."
)


async def story_pages(asked: PageRequest) -> Drawing | None:
    """The list of stories, the form of a new one, or one story by its number. None if it does not exist."""
    conn, now, tag = asked.conn, asked.now, asked.tag
    may_write = asked.actor.role.includes(STORIES)
    match asked.more:
        case []:
            return partial(_list_page, (await all_stories(conn))[::-1], tag, may_write=may_write)
        case ["new"]:
            offered = await lists(conn) if may_write else None
            return partial(_new_page, begun(asked.query, now), offered, asked.actor, tag)
        case [number] if (story_id := number_in(number)) is not None:
            synthetic = asked.settings.synthetic
            read = await read_story(conn, story_id, now, synthetic=synthetic, occasion="now")
            if not isinstance(read, StoryRead):
                return None
            offered = await lists(conn) if may_write else None
            return partial(story_page, read, offered, asked.theme, tag)
        case _:
            return None


def _list_page(written: Sequence[WrittenStory], tag: list[Component], *, may_write: bool) -> Component:
    write = [html.A("Write a story", href="/stories/new", className="button")] if may_write else []
    return html.Div(
        [
            html.Div(
                [
                    html.A("Replay", href="/replay", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("Stories"),
                    *tag,
                    html.Span(className="grow"),
                    *write,
                ],
                className="bar",
            ),
            html.Div([_table(written) if written else _empty()], className="stack"),
        ]
    )


def _table(written: Sequence[WrittenStory]) -> Component:
    names = ("Story", "Range", "Accounts", "View", "Captions", "Changed")
    head = [html.Th(name, className="n" if name in {"Accounts", "Captions"} else "") for name in names]
    return card(
        "Stories",
        "newest first",
        html.Div(
            html.Table(
                [html.Thead(html.Tr(head)), html.Tbody([_row(one) for one in written])], className="labelled"
            ),
            className="table-scroll narrow",
        ),
    )


def _row(one: WrittenStory) -> Component:
    known = one.head.known_at
    who = "all watched" if one.list_name is None else clean(one.list_name, 80)
    return html.Tr(
        [
            html.Th(
                html.A(
                    html.B(one.head.title, dir="auto"), href=f"/stories/{one.story_id}", className="country"
                ),
                scope="row",
                className=QUOTED,
            ),
            td(f"{words.stamp(one.head.since)} to {words.stamp(one.head.until)}", "Range"),
            td(
                [
                    f"{one.count.accounts:,}",
                    *([html.Small(f"and {number(one.posts, 'post')}")] if one.posts else []),
                    html.Small(who),
                ],
                "Accounts",
                "n",
            ),
            td(
                [
                    VIEW_NAME[one.head.view],
                    *([html.Small(f"as known {words.stamp(known)}")] if known is not None else []),
                ],
                "View",
            ),
            td(f"{len(one.captions):,}", "Captions", "n"),
            td([words.stamp(one.changed_at), html.Small(actor_words(one.changed_by))], "Changed"),
        ]
    )


def _empty() -> Component:
    return html.Div(
        [html.H2("No stories yet"), html.P(_ABOUT), html.P(html.A("Replay", href="/replay"))],
        className="card empty",
    )


def _new_page(
    fields: Mapping[str, str], lists: Lists | None, actor: Actor, tag: list[Component]
) -> Component:
    body: list[Component] = (
        [html.P(_NOT_YOURS.format(role=actor.role.value), className="refused")]
        if lists is None
        else [
            card(
                "Write a story",
                "",
                html.P(_ABOUT, className="nothing"),
                html.Div([new_form(fields, lists)], className="forms"),
            )
        ]
    )
    return html.Div(
        [
            html.Div(
                [
                    html.A("Stories", href="/stories", className="under"),
                    html.Span("/", className="faint"),
                    html.H1("New story"),
                    *tag,
                ],
                className="bar",
            ),
            html.Div(body, className="stack story"),
        ]
    )
