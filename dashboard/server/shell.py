"""The frame: the static page that paints at once, and the few components that stay on every page."""

import html as markup
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dash import Dash, dcc, html
from dash.development.base_component import Component

from dashboard.asgi.settings import DashboardSettings
from dashboard.auth.access import acting
from dashboard.server.static import modules_of
from dashboard.ui.ag_grid import on_demand
from dashboard.ui.pages import SYNTHETIC, Page, Place
from dashboard.ui.terms import term_markup
from dashboard.ui.toasts import TOAST
from dashboard.wire.compact_json import GONE_OR_SUSPENDED, LETTER
from storage.model.core.availability import Status
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import capital

_TERM = re.compile(r"\{\{term:([a-z ]+)(?:\|([^{}|]+))?\}\}")
"""A term of the glossary in the document: {{term:provisional}}, or {{term:daily cost limit|limit}}."""
FALLBACK_MS = 15_000
"""How often a browser asks by itself, in case its websocket is blocked."""


class Shell(Dash):
    """Dash with our own document. It links only the pages that the user may open, and only pages with a grid
    load the grid's script.
    """

    def __init__(self, pages: Sequence[Page], **how: Any) -> None:
        self.all_pages = pages
        super().__init__(__name__, **how)  # pyright: ignore[reportUnknownMemberType]

    def interpolate_index(self, **parts: str) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        parts["scripts"], grid = on_demand(parts["scripts"])
        document = str(super().interpolate_index(**parts))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        role = acting().role
        links = {
            place: "".join(_link(p) for p in self.all_pages if p.place is place and role.includes(p.role))
            for place in Place
        }
        titles = json.dumps(
            [[page.name, page.title, page.under or page.name, page.help] for page in self.all_pages]
        )
        for name, text in (
            ("grid", markup.escape(grid)),
            ("pages", markup.escape(titles)),
            ("platforms", markup.escape(json.dumps(_platforms()))),
            ("header", links[Place.HEADER]),
            ("more", links[Place.MORE] + links[Place.SMALL_SCREENS]),
        ):
            document = document.replace(f"{{{{{name}}}}}", text)
        return document


def _platforms() -> dict[str, object]:
    """What the scripts know of each platform: its name, the letters of its statuses, its words for some."""
    out: dict[str, object] = {}
    for platform, declared in DECLARED.items():
        seen = [LETTER[status] for status in Status if status in declared.statuses]
        either = [GONE_OR_SUSPENDED] if declared.suspension_may_be_deletion else []
        own = {LETTER[status]: capital(words) for status, words in declared.group_words.items()}
        out[platform.value] = {"name": declared.name, "letters": [*seen, *either], "own": own}
    return out


def _link(page: Page) -> str:
    name, title = markup.escape(page.name), markup.escape(page.title)
    if page.counter:
        title = f'<span>{title}<b id="{page.counter}" hidden></b></span>'
    small = ' class="phone-only"' if page.place is Place.SMALL_SCREENS else ""
    icon = f'<svg class="i" aria-hidden="true"><use href="#i-{markup.escape(page.icon)}"/></svg>'
    return f'<a{small} href="/{markup.escape(page.path)}" data-nav="{name}">{icon}{title}</a>'


def index(settings: DashboardSettings, assets: str) -> str:
    """The HTML document, with its files under the address `assets`.

    The Live page and the replay film are part of it, so that they show before any script has run.
    """
    page, film = (
        (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("index.html", "replay.html")
    )
    page = page.replace("{{film}}", film)
    # All at once: a browser that finds imports one after the other also requests them one after the other.
    preload = "\n".join(
        f'<link rel="modulepreload" href="/assets/{name}">' for name in modules_of("main.mjs")
    )
    page = page.replace("{{scripts}}", preload)
    page = _TERM.sub(lambda found: term_markup(found[1], found[2]), page)
    page = page.replace('"/assets/', f'"{assets}/')
    tag = f'<span class="tag">{SYNTHETIC}</span>' if settings.synthetic else ""
    for name, text in (("tag", tag), ("subtitle", markup.escape(settings.subtitle))):
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def layout() -> Component:
    """What Dash keeps: the address, the page, the last push, what was drawn of it, the fallback's timer."""
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            html.Div(id="page"),
            dcc.Store(id="live-push"),
            dcc.Store(id="live-seen", data=0),
            dcc.Store(id="live-polled"),
            dcc.Store(id="live-wake"),
            dcc.Store(id="routed"),
            dcc.Store(id=TOAST),
            dcc.Interval(id="live-poll", interval=FALLBACK_MS),
        ]
    )
