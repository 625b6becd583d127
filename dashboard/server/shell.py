"""The frame: the static page that paints at once, and the few components that stay on every page."""

import html as markup
from pathlib import Path

from dash import Dash, dcc, html
from dash.development.base_component import Component

from dashboard.asgi.settings import DashboardSettings
from dashboard.server.static import modules_of
from dashboard.ui.ag_grid import on_demand

SYNTHETIC = "Synthetic scenario"
FALLBACK_MS = 15_000
"""How often a browser asks by itself, in case its websocket is blocked."""


class Shell(Dash):
    """Dash with a document of ours: the script that only pages with a grid fetch is named, not loaded."""

    def interpolate_index(self, **parts: str) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        parts["scripts"], grid = on_demand(parts["scripts"])
        document = super().interpolate_index(**parts)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return str(document).replace("{{grid}}", grid)  # pyright: ignore[reportUnknownArgumentType]


def index(settings: DashboardSettings, assets: str) -> str:
    """The HTML document, with its files under the address `assets`.

    The live page and the replay film are part of it, so that they stand before any script has run.
    """
    page, film = (
        (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("index.html", "replay.html")
    )
    page = page.replace("{{film}}", film)
    # Told at once: a browser that finds imports one after the other asks for them one after the other.
    preload = "\n".join(
        f'<link rel="modulepreload" href="/assets/{name}">' for name in modules_of("main.mjs")
    )
    page = page.replace("{{scripts}}", preload)
    page = page.replace('"/assets/', f'"{assets}/')
    tag = f'<span class="tag">{SYNTHETIC}</span>' if settings.synthetic else ""
    for name, text in (
        ("tag", tag),
        ("subtitle", markup.escape(settings.subtitle)),
    ):
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def synthetic_tag(settings: DashboardSettings) -> list[Component]:
    return [html.Span(SYNTHETIC, className="tag")] if settings.synthetic else []


def layout() -> Component:
    """What Dash keeps: the address, the page, the last push, what was drawn of it, the fallback's clock."""
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            html.Div(id="page"),
            dcc.Store(id="live-push"),
            dcc.Store(id="live-seen", data=0),
            dcc.Store(id="live-polled"),
            dcc.Store(id="live-wake"),
            dcc.Store(id="routed"),
            dcc.Interval(id="live-poll", interval=FALLBACK_MS),
        ]
    )
