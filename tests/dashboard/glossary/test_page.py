"""The Glossary page, and a term on another page."""

import json

import pytest
from plotly.utils import PlotlyJSONEncoder  # pyright: ignore[reportMissingTypeStubs]

from dashboard.glossary.feature import glossary_page
from dashboard.ui.terms import anchor
from storage.model.text.glossary import TERMS
from storage.postgres.pool import Pool
from tests.support.clients.browser import opened
from tests.support.clients.page_text import said
from tests.support.seeds.changes import Story
from tests.support.servers.dashboard import served


def test_every_term_has_its_sentence_and_an_address() -> None:
    page = glossary_page()
    assert all(sentence in said(page) for sentence in TERMS.values())
    drawn = json.dumps(page.to_plotly_json(), cls=PlotlyJSONEncoder)
    assert all(f'"id": "{anchor(name)}"' in drawn for name in TERMS)


@pytest.mark.slow
async def test_the_address_of_a_term_leads_to_it(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/glossary#purge") as browser:
        await browser.page.locator("#purge").wait_for()
        await browser.becomes("document.querySelector('#purge').getBoundingClientRect().top < innerHeight")
