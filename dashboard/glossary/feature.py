"""The Glossary page, drawn from the terms of `storage/model/text/glossary.py`."""

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from dashboard.asgi.process import WebProcess
from dashboard.ui.cards import card
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest, Place
from dashboard.ui.terms import anchor
from storage.model.text.glossary import SECTIONS
from storage.model.text.states import capital


def glossary(_: WebProcess) -> Feature:
    page = Page(
        path="glossary",
        title="Glossary",
        help="reference/glossary",
        read=_glossary,
        place=Place.SMALL_SCREENS,
    )
    return Feature(pages=(page,))


async def _glossary(asked: PageRequest) -> Drawing | None:
    return None if asked.more else glossary_page


def glossary_page() -> Component:
    head = html.Div(
        [html.H1("Glossary"), html.Span("The words of these pages, one sentence each", className="muted")],
        className="bar",
    )
    cards = [card(title, "", _terms(terms)) for title, terms in SECTIONS.items()]
    return html.Div([head, html.Div(cards, className="stack")])


def _terms(terms: Mapping[str, str]) -> Component:
    return html.Dl(
        [
            html.Div([html.Dt(capital(name)), html.Dd(sentence)], id=anchor(name))
            for name, sentence in terms.items()
        ],
        className="glossary",
    )
