"""docs/reference says what the code says: every setting, command, operation of the API, metric and folder."""

import tomllib
from datetime import datetime

import pytest

from dashboard.asgi.process import WebProcess
from jobs.cli.main import SUMMARIES
from jobs.config.settings import NAMES, settings_from
from storage.postgres.pool import Pool
from tests.support.reference import api_tables, command_pages, man_page, metrics_table, settings_table
from tests.support.reference.pages import api_document, names_in, parts, with_parts, written
from tests.support.servers.dashboard import SETTINGS


@pytest.fixture
def process(pool: Pool, dsn: str, now: datetime) -> WebProcess:
    return WebProcess(pool, lambda: now, dsn, SETTINGS)


async def test_the_pages_are_what_the_code_says(process: WebProcess) -> None:
    """`python -m tests.support.reference` writes them again."""
    generated = await parts(process)
    stored = written()
    assert sorted(name for text in stored.values() for name in names_in(text)) == sorted(generated)
    assert [path.name for path, text in stored.items() if with_parts(text, generated) != text] == []


def test_the_manual_page_is_what_the_code_says() -> None:
    assert man_page.FILE.read_text(encoding="utf-8") == man_page.text()
    assert [name for name in SUMMARIES if f"\n.B {name}\n" not in man_page.text()] == []


def test_every_setting_has_a_meaning_and_an_example_that_is_accepted() -> None:
    assert set(settings_table.fields()) == set(settings_table.meanings()) == NAMES
    assert list(settings_table.examples()) == list(settings_table.fields())
    for name, line in settings_table.examples().items():
        settings_from({name: tomllib.loads(line)[name]})


def test_every_command_is_on_one_page() -> None:
    names = [name for page in command_pages.PAGES.values() for name in page]
    assert sorted(names) == sorted(SUMMARIES)


async def test_every_operation_and_metric_has_a_row(process: WebProcess) -> None:
    generated, document = await parts(process), api_document(process)
    for methods, name in ((api_tables.READS, "reading requests"), (api_tables.WRITES, "writing requests")):
        requests = [request for request, _ in api_tables.operations(document, methods)]
        assert len(requests) > 20
        assert [request for request in requests if f"| `{request}` |" not in generated[name]] == []
    declared = await metrics_table.metrics(process)
    assert len(declared) > 15
    assert [one.name for one in declared if f"| `{one.name}` |" not in generated["metrics"]] == []
