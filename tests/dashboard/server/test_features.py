"""Pages that packages add: who may see and call them, and what becomes of those that fail."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from inspect import isawaitable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from dash import Input

from dashboard.asgi.process import WebProcess
from dashboard.auth.access import Forbidden, acting_as
from dashboard.filing import order_form
from dashboard.server.app import keep_running
from dashboard.server.features import features
from jobs.runtime.replay_process import ReplayProcess
from storage.model.core.people import Actor, Role, Scope
from storage.postgres.pool import Pool, transaction
from tests.support.added_pages import install, install_example
from tests.support.clients.api import callback, following
from tests.support.clients.page_walker import CallbackRecorder, said
from tests.support.servers.dashboard import SETTINGS, page_of, served

PAGE = """
from dashboard.ui.pages import Feature, Page

async def read(asked):
    return lambda: {drawn}

def page(process):
    return Feature(pages=[Page(path="{path}", title="Added", read=read)])
"""
FAILING_TASK = """
from dashboard.ui.pages import Feature, Page

async def read(asked):
    return None

async def fail():
    raise ValueError("a fault of its own")

def page(process):
    return Feature(pages=[Page(path="unlucky", title="Added", read=read)], tasks=[fail])
"""
FORBIDDEN = "This needs the role analyst or a higher one; your role is viewer."


TABLE = callback("tags-table children", "tags-platform value", "x")
SHOWN = callback("page children", "routed data", {"path": "/tags", "query": "", "theme": "light"})


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
async def test_the_role_of_a_page_holds_for_its_link_itself_and_its_callbacks(
    pool: Pool, dsn: str, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    install_example(tmp_path, monkeypatch)
    may = role is Role.ANALYST
    async with (
        served(pool, dsn, now, replace(SETTINGS, role=role)) as base,
        aiohttp.ClientSession(base, headers={"Origin": base}) as session,
    ):
        async with session.get("/") as answer:
            assert ('href="/tags"' in await answer.text()) is may
        async with session.post("/_dash-update-component", json=SHOWN) as answer:
            page = await answer.text()
            assert ("tags-platform" in page, FORBIDDEN in page) == (may, not may)
        async with session.post("/_dash-update-component", json=TABLE) as answer:
            assert answer.status == (200 if may else 403)
            assert ("No watched account" in await answer.text()) is may


@pytest.mark.parametrize(
    ("module", "why"),
    [
        pytest.param("import nowhere", "No module named 'nowhere'", id="a module that is not there"),
        pytest.param("page = None", "'NoneType' object is not callable", id="no function"),
        pytest.param("def page(process): return 1", "broken:page does not return a Feature", id="no feature"),
        pytest.param(
            PAGE.format(drawn="None", path="orders"), "the page /orders already exists", id="a path of ours"
        ),
    ],
)
async def test_a_page_that_cannot_be_loaded_is_named_in_the_log_and_the_others_are_there(
    pool: Pool,
    now: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    module: str,
    why: str,
) -> None:
    install(tmp_path / "1", monkeypatch, "broken", module)
    install(tmp_path / "2", monkeypatch, "whole", PAGE.format(drawn='"It is there."', path="whole"))
    async with transaction(pool) as conn:
        assert said(await page_of(conn, "/whole", now, SETTINGS, "light")) == "It is there."
        assert "Legal demands" in said(await page_of(conn, "/orders", now, SETTINGS, "light"))
    (sentence,) = {r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING}
    assert sentence.startswith("Page broken of package broken could not be loaded: ")
    assert sentence.endswith(why)


async def test_a_page_that_fails_while_it_is_drawn_says_so_in_its_place(
    pool: Pool, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "failing", PAGE.format(drawn="1 / 0", path="failing"))
    async with transaction(pool) as conn:
        page = said(await page_of(conn, "/failing", now, SETTINGS, "light"))
    assert "The page from the package failing failed: division by zero" in page


async def test_a_background_task_that_fails_is_logged_and_starts_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls: list[None] = []

    async def task() -> None:
        calls.append(None)
        if len(calls) == 1:
            raise ValueError("a fault")

    await keep_running(task, pause_s=0)

    assert len(calls) == 2
    assert [record.event for record in caplog.records] == ["web_task_failed"]  # type: ignore[attr-defined]


async def test_a_background_task_that_fails_leaves_the_push_running(
    pool: Pool, dsn: str, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "unlucky", FAILING_TASK)

    async with (
        served(pool, dsn, now) as base,
        aiohttp.ClientSession() as session,
        following(session, base) as page,
        asyncio.timeout(100),
    ):
        assert (await page.next_with("kpis"))["kpis"]["watched"] == 0


PRESSED = {"n_clicks", "submit_n_clicks"}
STORES: dict[str, object] = {
    "add-chosen": {"positions": [1]},
    "add-source": "names.csv",
    "names-seen": {"check": 1, "open": {}},
    "incident-key": "key",
    "incident-shown": [0, "", ""],
    "lists-archived": False,
    "order-id": 1,
    "order-keywords-shown": ["one"],
    "order-shown": [""] * len(order_form.VALUES),
    "purge-account": 1,
    "purge-previewed": "whole",
    "rule-id": 1,
    "rule-shown": 'name = "r"\nrecipients = ["a@b.org"]\n',
    "thresholds-list": 1,
}
"""What a page keeps in hidden stores, and a request can say otherwise."""
LEFT_OUT = {"rule-toml-read", "incident-save", "label-watch"}
"""The first only shows what was typed, the last only leads to the page that adds accounts, and the second
asks Dash for its request, and there is none.
"""
REFUSALS = ("This needs the role ", "This needs a token with the scope ")


def _id(given: Any) -> str:
    return given.component_id


def _is_pressed(given: Any) -> bool:
    return given.component_property in PRESSED


def _value(given: Any) -> object:
    if _is_pressed(given):
        return 1
    return STORES.get(given.component_id, "text")


async def _answer(call: Callable[..., Any], values: list[object]) -> str:
    try:
        answer = call(*values)
        return repr(await answer if isawaitable(answer) else answer)
    except Forbidden as error:
        return str(error)


@pytest.mark.parametrize(
    "actor",
    [
        pytest.param(Actor("vera", Role.VIEWER, 1), id="a viewer"),
        pytest.param(
            Actor("vera (token t)", Role.VIEWER, 1, scope=Scope.READ), id="a program with a token that reads"
        ),
    ],
)
async def test_every_button_asks_for_the_role_of_who_presses_it(
    pool: Pool, dsn: str, now: datetime, actor: Actor
) -> None:
    app: Any = CallbackRecorder()
    process = WebProcess(pool, lambda: now, dsn, SETTINGS)
    for part in features(process, ReplayProcess(dsn)):
        for page in part.pages:
            if page.callbacks is not None and page.role is Role.VIEWER:
                page.callbacks(app)
    pressed: dict[str, str] = {}
    with acting_as(actor):
        for call, given in zip(app.found, app.given, strict=True):
            button = next((g for g in given if isinstance(g, Input) and _is_pressed(g)), None)
            name = "" if button is None else _id(button)
            if name and name not in LEFT_OUT:
                pressed[name] = await _answer(call, [_value(g) for g in given])
    done = {name: said for name, said in pressed.items() if not any(why in said for why in REFUSALS)}
    assert done == {}
    assert len(pressed) > 20
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from audit_log") == 0
