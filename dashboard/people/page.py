"""Settings: one's own sessions and tokens; for admins who may do what, and who did what."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from dashboard.people.facts import ACTS, AuditLogPage, PeopleFacts
from dashboard.people.forms import (
    add_form,
    end_session_form,
    own_password_form,
    password_form,
    reset_form,
    revoke_form,
    role_form,
    search_form,
    switch_form,
    token_form,
)
from dashboard.people.words import ROLE_MAY, ROLE_NAME, SCOPE_NAME, browser_name
from dashboard.ui import words
from dashboard.ui.alert_words import actor_words
from dashboard.ui.cards import empty_card, table_card
from storage.model.core.people import Actor
from storage.model.text.states import clean
from storage.people.people import Person
from storage.people.sessions import WebSession
from storage.people.tokens import Token
from storage.postgres.audit_log import AuditEntry


def settings_page(known: PeopleFacts, actor: Actor, now: datetime, tag: list[Component]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Settings"),
                    *tag,
                    html.Span("Users, tokens and the audit log", className="muted"),
                ],
                className="bar",
            ),
            html.Div(
                [
                    *(_own(known.me, known, actor, now) if known.me else _open_door(actor)),
                    *([people_card(known, actor, now)] if known.people else []),
                    *([_log(known.log)] if known.log is not None else []),
                ],
                className="stack alerts settings",
            ),
        ]
    )


def _open_door(actor: Actor) -> list[Component]:
    return [
        empty_card(
            "No login",
            "all visitors have the same role",
            f"Every visitor {ROLE_MAY[actor.role]}. To require a login, change the setting auth in "
            "blockline.toml to password or oidc (see docs/how-to/people.md).",
        )
    ]


def _own(me: Person, known: PeopleFacts, actor: Actor, now: datetime) -> list[Component]:
    return [_me(me), _sessions(known.sessions, actor, now), _tokens(known.tokens, actor, now)]


def _me(me: Person) -> Component:
    ways = [*(["a password"] if me.has_password else []), *([me.oidc_issuer] if me.oidc_issuer else [])]
    return html.Div(
        [
            html.Div(
                [html.H2("You"), html.Span(f"since {words.day(me.created_at)}", className="faint")],
                className="card-head",
            ),
            html.Dl(
                [
                    *_fact("Name", _name(me)),
                    *_fact("Role", f"{ROLE_NAME[me.role]}: {ROLE_MAY[me.role]}"),
                    *_fact("Logs in with", clean(" or ".join(ways), 200)),
                    *(_fact("Second factor", _second_factor(me)) if me.has_password else []),
                ],
                className="about-you",
            ),
            *([own_password_form()] if me.has_password else []),
        ],
        className="card narrow",
    )


def _name(me: Person) -> str:
    login = clean(me.login, 100)
    return login if me.display_name == me.login else f"{clean(me.display_name, 100)} ({login})"


def _second_factor(me: Person) -> list[Component | str]:
    """On or off, and the way to its own page, which no script of ours may open in this one."""
    since = me.second_factor_since
    said = "off" if since is None else f"on since {words.stamp(since)}"
    label = "Set up" if since is None else "Change"
    return [f"{said} ", html.A(label, href="/second-factor", target="_self", className="under")]


def _fact(name: str, value: str | list[Component | str]) -> list[Component]:
    return [html.Dt(name), html.Dd(value)]


def _sessions(sessions: Sequence[WebSession], actor: Actor, now: datetime) -> Component:
    return table_card(
        "Your sessions",
        "browsers in which you are logged in; end any that you do not know",
        ("Browser", "Address", "Login", "Last used", ""),
        [
            (
                html.Div(
                    [
                        html.Span(
                            browser_name(s.browser), title=clean(s.browser, 300) if s.browser else None
                        ),
                        *([html.Small("this one")] if s.session_id == actor.session_id else []),
                    ]
                ),
                clean(s.address, 60) if s.address else "–",
                words.stamp(s.created_at),
                words.ago(s.seen_at, now),
                end_session_form(s.session_id) if s.session_id != actor.session_id else "",
            )
            for s in sessions
        ],
    )


def _tokens(tokens: Sequence[Token], actor: Actor, now: datetime) -> Component:
    title, note = "Tokens", "for programs and feed readers, instead of a login"
    form = token_form(actor)
    if not tokens:
        return empty_card(title, note, "No tokens yet.", form)
    return table_card(
        title,
        note,
        ("Name", "User", "Scope", "Created", "Expires", "Last used", ""),
        [
            (
                clean(t.name, 80),
                clean(t.login, 100),
                SCOPE_NAME[t.scope],
                words.stamp(t.created_at),
                "never" if t.expires_at is None else words.stamp(t.expires_at),
                "never" if t.used_at is None else words.ago(t.used_at, now),
                _end_of(t, now),
            )
            for t in tokens
        ],
        form,
    )


def _end_of(token: Token, now: datetime) -> Component | str:
    if token.revoked_at is not None:
        return f"revoked {words.stamp(token.revoked_at)} by {actor_words(token.revoked_by or '')}"
    if token.expires_at is not None and token.expires_at <= now:
        return "expired"
    return revoke_form(token.token_id)


def _log(log: AuditLogPage) -> Component:
    title, note = "Audit log", f"{ACTS} per page, newest first; entries cannot be changed"
    below = [html.Nav(_pages(log), className="pages", **{"aria-label": "Pages of the log"})]  # pyright: ignore[reportArgumentType]  # a wildcard
    if not log.acts:
        return empty_card(title, note, "No entries.", search_form(log.of), *below)
    return table_card(
        title,
        note,
        ("Time", "User", "Action", "Subject"),
        [(words.stamp(a.at), actor_words(a.actor), clean(a.action, 80), _subject(a)) for a in log.acts],
        *below,
        above=search_form(log.of),
    )


def _pages(log: AuditLogPage) -> list[Component]:
    of = {"of": log.of} if log.of else {}
    links: list[Component] = []
    if not log.is_newest:
        links.append(html.A("Newest", href=f"/settings?{urlencode(of)}", className="under"))
    if log.older is not None:
        query = urlencode({**of, "before": log.older})
        links.append(html.A("Older", href=f"/settings?{query}", className="under"))
    return links


def _subject(act: AuditEntry) -> Component:
    details = ((name, _in_words(value)) for name, value in act.detail.items())
    said = [
        html.Small(f"{clean(name, 40).replace('_', ' ')}: {clean(value, 200)}")
        for name, value in details
        if value
    ]
    return html.Div([clean(act.subject, 200) if act.subject else "–", *said])


def _in_words(value: object) -> str:
    """A detail of an act, or of a list its texts, such as tags; empty where it says nothing to a reader."""
    if isinstance(value, list):
        texts = [one for one in cast(list[object], value) if isinstance(one, str)]
        return ", ".join(texts) if value else "none"
    return str(value) if isinstance(value, str | int) else ""


def people_card(known: PeopleFacts, actor: Actor, now: datetime) -> Component:
    seen = known.seen or {}
    return table_card(
        "Users",
        "people who may log in; a new role or password logs the user out",
        ("Name", "Role", "Logs in with", "Last seen", "Password", ""),
        [
            (
                _person_name(p),
                ROLE_NAME[p.role] if p.person_id == actor.person_id else role_form(p.login, p.role),
                _ways(p),
                words.ago(seen[p.person_id], now) if p.person_id in seen else "not in the last month",
                _password(p, actor),
                "" if p.person_id == actor.person_id else switch_form(p.login, disabled=_is_out(p)),
            )
            for p in known.people
        ],
        add_form(),
    )


def _is_out(person: Person) -> bool:
    return person.disabled_at is not None


def _person_name(person: Person) -> Component:
    login = html.A(
        clean(person.login, 100),
        href=f"/settings?{urlencode({'of': person.login})}",
        title="Audit log",
    )
    said = [] if person.display_name == person.login else [html.Small(clean(person.display_name, 100))]
    out = (
        [html.Small(f"disabled {words.stamp(person.disabled_at)}")] if person.disabled_at is not None else []
    )
    return html.Div([login, *said, *out], className="subject")


def _ways(person: Person) -> str:
    password = "password" if person.second_factor_since is None else "password and second factor"
    ways = [
        *([password] if person.has_password else []),
        *([person.oidc_issuer] if person.oidc_issuer else []),
    ]
    return clean(", ".join(ways), 200) if ways else "–"


def _password(person: Person, actor: Actor) -> Component | str:
    if person.person_id == actor.person_id:
        return ""
    return html.Details(
        [
            html.Summary("Set another" if person.has_password else "Set one"),
            password_form(person.login),
            *([reset_form(person.login)] if person.second_factor_since is not None else []),
        ],
        className="fold",
    )
