"""A word of the glossary, with its sentence on hover, on keyboard focus and on a tap, without a script."""

from html import escape

from dash import html
from dash.development.base_component import Component

from storage.model.text.glossary import TERMS
from storage.model.text.states import capital


def term(name: str, shown: str | None = None) -> Component:
    """The word `shown` (None: the name with a capital), explained by the glossary's sentence on `name`.

    `term("provisional")` and `term("daily cost limit", "limit")` are used wherever a string is: as a child
    of a paragraph, a heading or a definition, and as a column of `table_card` or of a heading cell. The word
    can be focused; a screen reader reads the sentence after it. `dashboard/server/index.html`
    writes {{term:provisional}}; a script changes the text of such an element and leaves its attributes. Not
    inside a link or a button, which are focused themselves, nor in an option of a select.

    Raises KeyError when the glossary has no such name, so that a test that draws the page notices.
    """
    sentence = TERMS[name]
    said = {"data-says": sentence, "aria-description": sentence}
    return html.Span(_shown(name, shown), className="term", tabIndex=0, **said)  # pyright: ignore[reportArgumentType]  # wildcards


def term_markup(name: str, shown: str | None = None) -> str:
    """The same in a document of text, such as {{term:provisional}} of `dashboard/server/index.html`."""
    sentence, word = escape(TERMS[name]), escape(_shown(name, shown))
    return (
        f'<span class="term" tabindex="0" data-says="{sentence}" aria-description="{sentence}">{word}</span>'
    )


def _shown(name: str, shown: str | None) -> str:
    return capital(name) if shown is None else shown


def plain(word: str | Component) -> str:
    """The word itself, of a term or of a string."""
    return word if isinstance(word, str) else str(getattr(word, "children", ""))


def anchor(name: str) -> str:
    """The part of an address behind /glossary# that leads to a term."""
    return name.replace(" ", "-")
