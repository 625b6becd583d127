"""The forms of the Settings page: plain HTML that posts to `/api/people`."""

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.auth.passwords import LONGEST, SHORTEST
from dashboard.people.words import ROLE_NAME, SCOPE_NAME
from dashboard.ui.forms import choice, line
from storage.model.core.people import Actor, Role, Scope


def form(act: str, fields: list[Component], label: str, sends: tuple[str, str] | None = None) -> Component:
    """A form that does one thing. `sends` is a field, by name and value, that goes with its button."""
    named: dict[str, Any] = {"name": sends[0], "value": sends[1]} if sends is not None else {}
    return html.Form(
        [*fields, html.Button(label, type="submit", className="button", **named)],
        action=f"/api/people/{act}",
        method="post",
        className="form",
    )


def password(name: str, label: str, *, new: bool) -> Component:
    """A field for a password."""
    return html.Label(
        [
            html.Span(label),
            dcc.Input(
                name=name,
                type="password",
                required=True,
                minLength=SHORTEST if new else None,
                maxLength=LONGEST,
                autoComplete="new-password" if new else "current-password",
            ),
        ]
    )


def roles(chosen: Role) -> Component:
    return choice("role", "Role", {r.value: ROLE_NAME[r] for r in Role}, chosen.value)


def own_password_form() -> Component:
    fields = [
        password("current", "Current password", new=False),
        password("password", "New password", new=True),
    ]
    return html.Div([form("own-password", fields, "Change password")], className="forms")


def end_session_form(session_id: int) -> Component:
    return form("sessions/end", [], "End", ("session", str(session_id)))


def token_form(actor: Actor) -> Component:
    scopes = {s.value: SCOPE_NAME[s] for s in Scope if actor.role.includes(s.role)}
    fields = [
        line("name", "Token name", "what it is for", required=True),
        choice("scope", "Scope", scopes, Scope.READ.value),
        line("expires", "Expires after", "never, or 90d"),
    ]
    return html.Div([form("tokens", fields, "Create token")], className="forms")


def revoke_form(token_id: int) -> Component:
    return form("tokens/revoke", [], "Revoke", ("token", str(token_id)))


def add_form() -> Component:
    fields = [
        line("name", "Login name", "ada", required=True),
        line("display", "Display name", "Ada Lovelace"),
        roles(Role.VIEWER),
        password("password", "Password", new=True),
    ]
    return html.Div([form("add", fields, "Add user")], className="forms")


def role_form(login: str, role: Role) -> Component:
    return form("role", [roles(role)], "Save", ("person", login))


def password_form(login: str) -> Component:
    return form("password", [password("password", "New password", new=True)], "Set", ("person", login))


def reset_form(login: str) -> Component:
    return form("second-factor/reset", [], "Reset second factor", ("person", login))


def switch_form(login: str, *, disabled: bool) -> Component:
    act, label = ("enable", "Enable") if disabled else ("disable", "Disable")
    return form(act, [], label, ("person", login))


def search_form(of: str) -> Component:
    """Whose acts of the log are shown: a link like any other."""
    return html.Form(
        [
            html.Label([html.Span("User"), dcc.Input(name="of", type="text", value=of, autoComplete="off")]),
            html.Button("Show", type="submit", className="button"),
        ],
        action="/settings",
        method="get",
        className="form search",
        role="search",
        **{"aria-label": "Audit log"},  # pyright: ignore[reportArgumentType]  # a wildcard attribute
    )
