"""The generated parts of docs/reference: each stands between two comments of a page that is written by hand.

`python -m tests.support.reference` writes them. A test compares them with what the code says.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dashboard.api.app import api_v1
from dashboard.api.request_checks import ApiContext
from dashboard.asgi.process import WebProcess
from jobs.runtime.replay_process import ReplayProcess
from storage.postgres.pool import transaction
from tests.house.source import ROOT
from tests.support.reference import (
    command_pages,
    generated_tables,
    settings_table,
)

FOLDER: Final = ROOT / "docs/reference"
_PART = re.compile(r"(<!-- generated: (?P<name>[a-z ]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def api_document(process: WebProcess) -> Mapping[str, Any]:
    """The OpenAPI document of /api/v1."""
    replay = ReplayProcess("")
    return api_v1(ApiContext(process.pool, process.clock, process.settings, replay, replay)).openapi()


async def parts(process: WebProcess) -> Mapping[str, str]:
    """Every generated part by the name in its comment. The process needs a database, which may be empty."""
    document = api_document(process)
    async with transaction(process.pool) as conn:
        views, functions = await generated_tables.views(conn), await generated_tables.functions(conn)
    return {
        "settings": settings_table.markdown(),
        "folders": generated_tables.folders_markdown(),
        "licences": generated_tables.licences_markdown(),
        "metrics": generated_tables.metrics_markdown(await generated_tables.metrics(process)),
        "reading requests": generated_tables.operations_markdown(document, generated_tables.READS),
        "writing requests": generated_tables.operations_markdown(document, generated_tables.WRITES),
        "views of accounts": "\n".join(t for v, t in views.items() if v not in generated_tables.OF_ORDERS),
        "views of orders": "\n".join(views[view] for view in generated_tables.OF_ORDERS),
        "functions of views": functions,
        **{f"commands {page}": command_pages.markdown(page) for page in command_pages.PAGES},
    }


def names_in(text: str) -> list[str]:
    """The names of the generated parts of a page."""
    return [match["name"] for match in _PART.finditer(text)]


def with_parts(text: str, generated: Mapping[str, str]) -> str:
    """A page with its generated parts as they are now. Raises KeyError for an unknown name."""
    return _PART.sub(lambda match: f"{match[1]}\n{generated[match['name']].strip()}\n\n{match[3]}", text)


def written() -> Mapping[Path, str]:
    """The pages that have generated parts, as they are stored."""
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
    return {path: text for path, text in pages.items() if names_in(text)}
