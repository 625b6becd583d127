"""The callbacks of the page of a rule. Each write is one transaction with its audit log entry."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from dash import Input, Output, State, html, no_update
from dash.development.base_component import Component

from dashboard.alerts.routes import switched_toast
from dashboard.alerts.rule_form import VALUES, RuleForm, labelled, sentences_of, text_of
from dashboard.alerts.rule_page import preview_content, rule_address, switch_words
from dashboard.alerts.rule_trials import RuleTrialFailed, RuleTrials
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.ui.inputs import FieldFault
from dashboard.ui.pages import PageCallbacks
from dashboard.ui.time_markup import timed
from dashboard.ui.toasts import TOAST, Toast
from storage.alerts import outbox, rules
from storage.model.alerts.rule_preview import PREVIEW_PERIOD
from storage.model.alerts.rule_toml import rule_of, toml_of
from storage.model.alerts.rules import AlertRule, RuleFault, StoredRule, is_channel, is_recipient
from storage.model.core.people import Actor, Scope
from storage.model.text.states import capital, clean
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused, StorageError, transaction

T = TypeVar("T")
_FORM = tuple(State(*value) for value in VALUES)


class _NotDone(Exception):
    """Nothing was written. The message is one sentence for the page."""


def connect_rule_page(process: WebProcess, trials: RuleTrials, app: PageCallbacks) -> None:
    """Add the callbacks."""
    _connect_words(app)
    _connect_save(process, app)
    _connect_state(process, app)
    _connect_trials(process, trials, app)


def _connect_words(app: PageCallbacks) -> None:
    @app.callback(
        Output("rule-sentence", "children"),
        Output("rule-toml", "value"),
        Output("rule-save-said", "children", allow_duplicate=True),
        *(Input(*value) for value in VALUES),
        prevent_initial_call=True,
    )
    def typed(*values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        form = RuleForm(*values)
        text = text_of(form)
        return sentences_of(form), no_update if text is None else text, ""

    @app.callback(
        Output("rule-toml-said", "children"),
        *(Output(*value) for value in VALUES),
        Input("rule-toml-read", "n_clicks"),
        State("rule-toml", "value"),
        State("rule-shown", "data"),
        prevent_initial_call=True,
    )
    def read(pressed: int | None, text: str | None, shown: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        kept = (no_update,) * len(VALUES)
        if not pressed:
            return no_update, *kept
        try:
            rule = _rule_in(text or "")
        except _NotDone as fault:
            return str(fault), *kept
        if shown is not None and rule.name != rule_of(shown).name:
            return "Name: the name of a stored rule stays. Duplicate the rule for another name.", *kept
        return "The form shows this text. Save it there.", *values_of(RuleForm.of(rule))


def values_of(form: RuleForm) -> tuple[object, ...]:
    """The values of the fields, in the order of VALUES."""
    return tuple(getattr(form, field.name) for field in fields(RuleForm))


def _rule_in(text: str) -> AlertRule:
    try:
        return rule_of(text)
    except RuleFault as fault:
        raise _NotDone(labelled(fault)) from fault
    except ValueError as fault:
        raise _NotDone(f"{capital(str(fault)).rstrip('.')}.") from fault


def _connect_save(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("rule-save-said", "children"),
        Output("rule-shown", "data"),
        Output("url", "pathname"),
        Output("url", "search"),
        Output(TOAST, "data", allow_duplicate=True),
        Input("rule-save", "n_clicks"),
        State("rule-id", "data"),
        State("rule-shown", "data"),
        *_FORM,
        prevent_initial_call=True,
    )
    async def save(pressed: int | None, rule_id: object, shown: str | None, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        async def act(conn: Conn, actor: Actor, now: datetime) -> tuple[StoredRule | None, bool, AlertRule]:
            rule = RuleForm(*values).rule()
            if not isinstance(rule_id, int) or shown is None:
                return await rules.add_rule(conn, rule, actor.name, now), True, rule
            changed = await rules.change_rule(conn, rule_id, rule_of(shown), rule, actor.name, now)
            return None, changed, rule

        if not pressed:
            return [no_update] * 5
        try:
            new, changed, rule = await _written(process, act)
        except _NotDone as fault:
            return [str(fault), *[no_update] * 4]
        if new is not None:
            toast = Toast(
                f"The rule {clean(rule.name, 80)} is on. It counts for what is recorded from now on."
            )
            return "", no_update, rule_address(new.rule_id), "", toast.as_json()
        said = "Saved. It counts for what is recorded from now on." if changed else "Nothing was changed."
        return said, toml_of(rule), no_update, no_update, no_update


def _connect_state(process: WebProcess, app: PageCallbacks) -> None:
    @app.callback(
        Output("rule-state-said", "children"),
        Output("rule-switched", "children"),
        Output("rule-switch", "children"),
        Output(TOAST, "data", allow_duplicate=True),
        Input("rule-switch", "n_clicks"),
        State("rule-id", "data"),
        prevent_initial_call=True,
    )
    async def switch(pressed: int | None, rule_id: object) -> Any:  # pyright: ignore[reportUnusedFunction]
        async def act(conn: Conn, actor: Actor, now: datetime) -> tuple[bool, str]:
            stored = await _stored(conn, rule_id)
            name, enabled = stored.rule.name, not stored.enabled
            await rules.enable_rule(conn, name, actor.name, now, enabled=enabled)
            return enabled, name

        if not pressed:
            return (no_update,) * 4
        try:
            enabled, name = await _written(process, act)
        except _NotDone as fault:
            return str(fault), no_update, no_update, no_update
        toast = switched_toast(name, enabled=enabled).as_json()
        return "", switch_words(enabled=enabled), "Switch off" if enabled else "Switch on", toast

    for button, up in (("rule-up", True), ("rule-down", False)):
        app.callback(
            Output("rule-state-said", "children", allow_duplicate=True),
            Output("rule-up", "disabled", allow_duplicate=True),
            Output("rule-down", "disabled", allow_duplicate=True),
            Input(button, "n_clicks"),
            State("rule-id", "data"),
            prevent_initial_call=True,
        )(_mover(process, up=up))

    @app.callback(
        Output("rule-state-said", "children", allow_duplicate=True),
        Output("url", "pathname", allow_duplicate=True),
        Output("url", "search", allow_duplicate=True),
        Output(TOAST, "data", allow_duplicate=True),
        Input("rule-remove", "n_clicks"),
        State("rule-id", "data"),
        prevent_initial_call=True,
    )
    async def remove(pressed: int | None, rule_id: object) -> Any:  # pyright: ignore[reportUnusedFunction]
        async def act(conn: Conn, actor: Actor, now: datetime) -> str:
            stored = await _stored(conn, rule_id)
            await rules.remove_rule(conn, stored.rule.name, actor.name, now)
            return stored.rule.name

        if not pressed:
            return [no_update] * 4
        try:
            name = await _written(process, act)
        except _NotDone as fault:
            return [str(fault), *[no_update] * 3]
        toast = Toast(f"The rule {clean(name, 80)} is removed. It sends nothing from now on.")
        return "", "/alerts", "", toast.as_json()


def _mover(process: WebProcess, *, up: bool) -> Callable[..., Awaitable[object]]:
    async def move(pressed: int | None, rule_id: object) -> object:
        async def act(conn: Conn, actor: Actor, now: datetime) -> tuple[int, int]:
            stored = await _stored(conn, rule_id)
            await rules.move_rule(conn, stored.rule.name, actor.name, now, up=up)
            by_hand = [s.rule_id for s in await rules.load_rules(conn) if not s.from_settings]
            return by_hand.index(stored.rule_id) + 1, len(by_hand)

        if not pressed:
            return no_update, no_update, no_update
        try:
            place, count = await _written(process, act)
        except _NotDone as fault:
            return str(fault), no_update, no_update
        said = f"It is tried as number {place} of the {count} rules that were not set in the settings."
        return said, place == 1, place == count

    return move


def _connect_trials(process: WebProcess, trials: RuleTrials, app: PageCallbacks) -> None:
    @app.callback(
        Output("rule-preview-said", "children"),
        Input("rule-preview", "n_clicks"),
        *_FORM,
        prevent_initial_call=True,
        running=[(Output("rule-preview", "disabled"), True, False)],
    )
    async def preview(pressed: int | None, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        if not pressed:
            return no_update
        try:
            _admin()
            now = process.clock()
            found = await trials.preview(RuleForm(*values).rule(), now - PREVIEW_PERIOD, now)
        except (access.Forbidden, FieldFault, RuleTrialFailed) as fault:
            return capital(str(fault))
        return timed(preview_content(found))

    @app.callback(
        Output("rule-test-said", "children"),
        Input("rule-test", "n_clicks"),
        State("rule-test-to", "value"),
        *_FORM,
        prevent_initial_call=True,
        running=[(Output("rule-test", "disabled"), True, False)],
    )
    async def test(pressed: int | None, to: str | None, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        if not pressed:
            return no_update
        try:
            return await _tested(process, trials, RuleForm(*values), (to or "").strip())
        except (_NotDone, access.Forbidden, FieldFault, RuleTrialFailed) as fault:
            return capital(str(fault))


async def _tested(process: WebProcess, trials: RuleTrials, form: RuleForm, to: str) -> Component:
    """Queue a test email, and say where to see it."""
    _admin()
    rule = form.rule()
    if not is_recipient(to) or is_channel(to):
        raise FieldFault(f"Your address: {to[:80]!r} is not an email address such as desk@example.org.")
    draft = await trials.test_email(rule, to, process.clock())

    async def act(conn: Conn, actor: Actor, now: datetime) -> int | None:
        await log(conn, now, actor.name, "test sent", f"rule {rule.name}", {"to": to})
        return await outbox.queue(conn, draft, now)

    mail_id = await _written(process, act)
    shown = clean(draft.subject, 200)
    link = shown if mail_id is None else html.A(shown, href=f"/mail/{mail_id}", className="under")
    return html.Span([f"Queued for {clean(to, 120)}: ", link])


def _admin() -> Actor:
    """Who calls. Raises Forbidden for a role or a token that may not change rules."""
    actor = access.acting()
    access.require(actor, access.RULES)
    access.require_scope(actor, Scope.ADMIN)
    return actor


async def _stored(conn: Conn, rule_id: object) -> StoredRule:
    found = next((s for s in await rules.load_rules(conn) if s.rule_id == rule_id), None)
    if found is None:
        raise Refused("This rule was removed meanwhile.")
    return found


async def _written(process: WebProcess, act: Callable[[Conn, Actor, datetime], Awaitable[T]]) -> T:
    """Do a write in one transaction as the present user. Raises _NotDone."""
    try:
        actor = _admin()
        async with transaction(process.pool) as conn:
            return await act(conn, actor, process.clock())
    except (access.Forbidden, FieldFault, Refused, StorageError) as fault:
        raise _NotDone(capital(str(fault))) from fault
