"""A viewer presses every button, as a forged request can: each says what it takes, and nothing is written."""

from collections.abc import Callable
from datetime import datetime
from inspect import isawaitable
from typing import Any

import pytest
from dash import Input

from dashboard.asgi.process import WebProcess
from dashboard.auth.access import Forbidden, acting_as
from dashboard.filing import order_form
from dashboard.server.features import features
from jobs.runtime.replay_process import ReplayProcess
from storage.model.core.people import Actor, Role, Scope
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import CallbackRecorder
from tests.support.servers.dashboard import SETTINGS

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
