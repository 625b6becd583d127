"""The Glossary page, and a term on another page."""

import json

from plotly.utils import PlotlyJSONEncoder  # pyright: ignore[reportMissingTypeStubs]

from dashboard.glossary.feature import glossary_page
from dashboard.ui.terms import anchor
from storage.model.text.glossary import TERMS
from tests.support.clients.page_text import said


def test_every_term_has_its_sentence_and_an_address() -> None:
    page = glossary_page()
    assert all(sentence in said(page) for sentence in TERMS.values())
    drawn = json.dumps(page.to_plotly_json(), cls=PlotlyJSONEncoder)
    assert all(f'"id": "{anchor(name)}"' in drawn for name in TERMS)
