"""A page for Blockline's dashboard: how many watched accounts of a platform carry each tag."""

from functools import partial

from dash import Input, Output, dcc, html
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.ui.cards import empty_card, table_card
from dashboard.ui.pages import Drawing, Feature, Page, PageCallbacks, PageRequest
from storage.model.core.people import Role
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import transaction

PLATFORMS = {platform.value: declared.name for platform, declared in DECLARED.items()}


def tags(process: WebProcess) -> Feature:
    def connect(app: PageCallbacks) -> None:
        @app.callback(Output("tags-table", "children"), Input("tags-platform", "value"))
        async def table(platform: str) -> Component:  # pyright: ignore[reportUnusedFunction]
            async with transaction(process.pool) as conn:
                found = await conn.fetch(
                    "select tag, count(*) from account, unnest(tags) tag"
                    " where watched and not is_post and platform = $1 group by tag order by 2 desc, 1",
                    platform,
                )
            rows = [(tag, f"{count:,}") for tag, count in found]
            if not rows:
                return empty_card("Tags", "", "No watched account of this platform has a tag.")
            return table_card("Tags", "of watched accounts", ("Tag", "Accounts"), list(rows))

    page = Page(path="tags", title="Tags", read=read, role=Role.ANALYST, callbacks=connect)
    return Feature(pages=[page])


async def read(asked: PageRequest) -> Drawing | None:
    if asked.more:
        return None  # there is nothing below /tags
    return partial(draw, asked.tag)


def draw(tag: list[Component]) -> Component:
    head = html.Div([html.H1("Tags"), *tag], className="bar")
    choice = dcc.Dropdown(PLATFORMS, "x", id="tags-platform", clearable=False)
    return html.Div([head, html.Div([choice, html.Div(id="tags-table")], className="stack")])
