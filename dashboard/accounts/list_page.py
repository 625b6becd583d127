"""The page of one list: how many readings confirm its changes, what other numbers would have done, and how
long its evidence is kept.
"""

from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

from dash import Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.accounts.threshold_trials import ThresholdTrialFailed, ThresholdTrials
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.ui import words
from dashboard.ui.cards import card, table_card
from dashboard.ui.form_input import WrongInput
from dashboard.ui.inputs import FieldFault, count_in, text_field
from dashboard.ui.pages import PageCallbacks
from dashboard.ui.time_markup import timed
from dashboard.ui.toasts import TOAST, Toast, Undo
from storage.accounts.evidence_retention import ORDER_DAYS
from storage.accounts.list_thresholds import set_list_thresholds
from storage.accounts.watch_lists import ListRow, keep_evidence, list_row
from storage.model.alerts.rule_preview import PREVIEW_PERIOD
from storage.model.bitemporal.threshold_preview import (
    PreviewedChange,
    ThresholdPreview,
    threshold_preview_words,
)
from storage.model.core.list_thresholds import (
    DEFAULT_THRESHOLDS,
    MOST_READINGS,
    STRICTEST_HOLDS,
    ListThresholds,
    thresholds_sentence,
)
from storage.model.core.people import Actor, Role, Scope
from storage.model.tables.tag_and_list_edits import LONGEST_KEEPING, LONGEST_LIST_NAME
from storage.model.text.states import capital, clean, handle_name
from storage.model.text.units import number
from storage.postgres.pool import Conn, StorageError, transaction

SET = Role.ADMIN
DAYS = "Days"
_HEADS = ("Account", "New status", "First seen", "Confirmed", "With these numbers")
STATEMENT, ABSENCE = "Readings for a statement of the platform", "Readings for a mere absence"


def list_page(row: ListRow, actor: Actor, tag: list[Component]) -> Component:
    """The list, its thresholds in words, and for admins the form that sets them."""
    return html.Div(
        [
            html.Div(
                [
                    html.A("Lists", href="/accounts/lists", className="under"),
                    html.Span("/", className="faint"),
                    html.H1(clean(row.name, LONGEST_LIST_NAME)),
                    *tag,
                    html.Span(className="grow"),
                    html.A("Its accounts", href=f"/accounts?list={row.list_id}", className="button"),
                ],
                className="bar",
            ),
            dcc.Store(id="thresholds-list", data=row.list_id),
            html.Div(
                [
                    card(
                        "When a change is confirmed",
                        "",
                        html.P(
                            thresholds_sentence(row.thresholds),
                            id="thresholds-now",
                            className="rule-sentence",
                        ),
                        html.P(STRICTEST_HOLDS, className="rule-sentence faint"),
                        *([_form(row.thresholds)] if actor.role.includes(SET) else [_only_admins()]),
                    ),
                    html.Div(id="thresholds-preview-said"),
                    _retention_card(row, actor),
                ],
                className="stack add-accounts",
            ),
        ]
    )


def _only_admins() -> Component:
    return html.P("An admin can change these numbers.", className="nothing")


def _retention_card(row: ListRow, actor: Actor) -> Component:
    days = "" if row.keep_days is None else str(row.keep_days)
    form = html.Div(
        [
            text_field(
                "retention-days", DAYS, days, "Empty: without a limit.", inputMode="numeric", maxLength=7
            ),
            html.P(id="retention-fault", role="alert", className="refused"),
            html.Div(
                html.Button("Save the time", id="retention-save", className="button primary"),
                className="buttons",
            ),
        ],
        className="form",
    )
    return card(
        "How long its evidence is kept",
        "",
        html.P(retention_sentence(row), id="retention-now", className="rule-sentence"),
        html.P(
            "Hashes, statuses, changes and their times are always kept. Evidence that another list of an "
            "account keeps longer is kept that long.",
            className="rule-sentence faint",
        ),
        *([form] if actor.role.includes(SET) else [_only_admins()]),
    )


def retention_sentence(row: ListRow) -> str:
    """Say how long the raw answers about the accounts of a list are kept."""
    if row.keep_days is None:
        return "The raw answers about its accounts are kept without a limit."
    order = f", at least {ORDER_DAYS:,} for the list of an order" if row.order_id is not None else ""
    return f"The raw answers about its accounts are kept for {number(row.keep_days, 'day')}{order}."


def _form(own: ListThresholds | None) -> Component:
    numbers = own or DEFAULT_THRESHOLDS
    return html.Div(
        [
            _field("strong", STATEMENT, numbers.strong_readings, ""),
            _field(
                "weak",
                ABSENCE,
                numbers.weak_readings,
                f"From 1 to {MOST_READINGS}. The second reading is due 1 minute after the first, the others "
                "after 15 minutes, 1 hour, 4 hours and 7 hours.",
            ),
            html.P(id="thresholds-fault", role="alert", className="refused"),
            html.Div(
                [
                    html.Button("Count what would differ", id="thresholds-preview", className="button"),
                    html.Button("Save", id="thresholds-save", className="button primary"),
                    html.Button("Use the default", id="thresholds-default", className="button"),
                ],
                className="buttons",
            ),
        ],
        className="form",
    )


def _field(name: str, label: str, value: int, hint: str) -> Component:
    return text_field(f"thresholds-{name}", label, str(value), hint, inputMode="numeric", maxLength=2)


def preview_card(found: ThresholdPreview) -> Component:
    """The result of a preview: the sentence, and the changes that would have been confirmed otherwise."""
    sentence = html.P(threshold_preview_words(found), className="rule-sentence", role="status")
    note = "Counted on the stored readings. First states of accounts are not counted. Nothing is stored."
    if not found.cases:
        return card("On the past", "", sentence, html.P(note, className="not-said"))
    lines = [_line(one) for one in found.cases]
    return table_card("On the past", "", _HEADS, lines, html.P(note, className="not-said"), above=sentence)


def _line(one: PreviewedChange) -> tuple[Component | str, ...]:
    account = html.A(handle_name(clean(one.handle, 60)), href=f"/account/{one.account_id}")
    return (
        account,
        one.status,
        words.stamp(one.first_seen),
        _at(one.confirmed_at),
        _at(one.would_be_confirmed_at),
    )


def _at(moment: datetime | None) -> Component | str:
    return "not confirmed" if moment is None else words.stamp(moment)


def connect_list_page(process: WebProcess, trials: ThresholdTrials, app: PageCallbacks) -> None:
    """Add the callbacks of the form: its preview, saving, and going back to the default."""
    numbers = (
        State("thresholds-list", "data"),
        State("thresholds-strong", "value"),
        State("thresholds-weak", "value"),
    )

    @app.callback(
        Output("thresholds-preview-said", "children"),
        Output("thresholds-fault", "children", allow_duplicate=True),
        Input("thresholds-preview", "n_clicks"),
        *numbers,
        prevent_initial_call=True,
        running=[(Output("thresholds-preview", "disabled"), True, False)],
    )
    async def preview(pressed: int | None, list_id: object, *given: object) -> Any:  # pyright: ignore[reportUnusedFunction]
        if not pressed:
            return no_update, no_update
        try:
            access.require(access.acting(), SET)
            wanted, now = _wanted(given), process.clock()
            async with transaction(process.pool) as conn:
                name = (await _row(conn, list_id)).name
            found = await trials.preview_thresholds(name, wanted, now - PREVIEW_PERIOD, now)
        except (access.Forbidden, WrongInput, StorageError, ThresholdTrialFailed) as fault:
            return "", capital(str(fault))
        return timed(preview_card(found)), ""

    for button in ("thresholds-save", "thresholds-default"):
        app.callback(
            Output("thresholds-now", "children", allow_duplicate=True),
            Output("thresholds-strong", "value", allow_duplicate=True),
            Output("thresholds-weak", "value", allow_duplicate=True),
            Output(TOAST, "data", allow_duplicate=True),
            Output("thresholds-fault", "children", allow_duplicate=True),
            Input(button, "n_clicks"),
            *numbers,
            prevent_initial_call=True,
        )(partial(_saved, process, button == "thresholds-default"))

    app.callback(
        Output("retention-now", "children"),
        Output(TOAST, "data", allow_duplicate=True),
        Output("retention-fault", "children"),
        Input("retention-save", "n_clicks"),
        State("thresholds-list", "data"),
        State("retention-days", "value"),
        prevent_initial_call=True,
    )(partial(_retention_saved, process))


async def _retention_saved(
    process: WebProcess, pressed: int | None, list_id: object, given: str | None
) -> tuple[object, ...]:
    """Store the time, and return the sentence, the toast and why nothing was stored."""
    if not pressed:
        return (no_update,) * 3
    try:
        actor = access.acting()
        access.require(actor, SET)
        access.require_scope(actor, Scope.ADMIN)
        days = _days(given)
        async with transaction(process.pool) as conn:
            row = await _row(conn, list_id)
            before = await keep_evidence(conn, row.name, days, actor.name, process.clock())
    except (access.Forbidden, WrongInput, FieldFault, StorageError) as fault:
        return no_update, no_update, capital(str(fault))
    toast = Toast("The list has this time already.")
    if before.keep_days != days:
        undo = Undo(f"/api/v1/lists/{row.list_id}", body={"evidence_days": before.keep_days}, method="PATCH")
        toast = Toast("Saved. What is older is removed with the next daily clean-up.", undo)
    return retention_sentence(replace(row, keep_days=days)), toast.as_json(), ""


def _days(given: str | None) -> int | None:
    """The days of the form; None for an empty field. Raises FieldFault."""
    days = count_in(given, DAYS)
    if days is not None and not 1 <= days <= LONGEST_KEEPING:
        raise FieldFault(f"{DAYS}: it must be from 1 to {LONGEST_KEEPING:,}, or empty.")
    return days


async def _saved(
    process: WebProcess, to_default: bool, pressed: int | None, list_id: object, *given: object
) -> tuple[object, ...]:
    """Store the numbers, and return the sentence, the numbers, the toast and why nothing was stored."""
    if not pressed:
        return (no_update,) * 5
    try:
        actor = access.acting()
        access.require(actor, SET)
        access.require_scope(actor, Scope.ADMIN)
        wanted = None if to_default else _wanted(given)
        async with transaction(process.pool) as conn:
            row = await _row(conn, list_id)
            changed = await set_list_thresholds(conn, row.name, wanted, actor.name, process.clock())
    except (access.Forbidden, WrongInput, StorageError) as fault:
        return *(no_update,) * 4, capital(str(fault))
    numbers = wanted or DEFAULT_THRESHOLDS
    toast = Toast("The list has these numbers already.")
    if changed:
        before = None if row.thresholds is None else asdict(row.thresholds)
        undo = Undo(f"/api/v1/lists/{row.list_id}", body={"thresholds": before}, method="PATCH")
        toast = Toast(
            "Saved. It holds for readings from one minute on; earlier decisions stay as they are.", undo
        )
    return (
        thresholds_sentence(wanted),
        str(numbers.strong_readings),
        str(numbers.weak_readings),
        toast.as_json(),
        "",
    )


async def _row(conn: Conn, list_id: object) -> ListRow:
    row = await list_row(conn, list_id) if isinstance(list_id, int) else None
    if row is None:
        raise WrongInput("This list does not exist.")
    return row


def _wanted(given: tuple[object, ...]) -> ListThresholds:
    """The numbers of the form. Raises WrongInput."""
    try:
        strong, weak = (
            count_in(one, label) if isinstance(one, str) else None
            for one, label in zip(given, (STATEMENT, ABSENCE), strict=True)
        )
        return ListThresholds(strong or 0, weak or 0)
    except (FieldFault, ValueError) as error:
        raise WrongInput(str(error)) from error
