"""Who may log in, and what each may do: for admins."""

from datetime import datetime
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from dashboard.people.facts import PeopleFacts
from dashboard.people.forms import add_form, password_form, role_form, switch_form
from dashboard.people.words import ROLE_NAME
from dashboard.ui import words
from dashboard.ui.cards import table_card
from storage.model.core.people import Actor
from storage.model.text.states import clean
from storage.people.people import Person


def people_card(known: PeopleFacts, actor: Actor, now: datetime) -> Component:
    seen = known.seen or {}
    return table_card(
        "People",
        "who may log in; another role or password logs a person out",
        ("Name", "Role", "Logs in with", "Last seen", "Password", ""),
        [
            (
                _name(p),
                ROLE_NAME[p.role] if p.person_id == actor.person_id else role_form(p.login, p.role),
                _ways(p),
                words.ago(seen[p.person_id], now) if p.person_id in seen else "not in the last month",
                _password(p),
                "" if p.person_id == actor.person_id else switch_form(p.login, disabled=_is_out(p)),
            )
            for p in known.people
        ],
        add_form(),
    )


def _is_out(person: Person) -> bool:
    return person.disabled_at is not None


def _name(person: Person) -> Component:
    login = html.A(
        clean(person.login, 100),
        href=f"/settings?{urlencode({'of': person.login})}",
        title="What this person did",
    )
    said = [] if person.display_name == person.login else [html.Small(clean(person.display_name, 100))]
    out = (
        [html.Small(f"disabled {words.stamp(person.disabled_at)}")] if person.disabled_at is not None else []
    )
    return html.Div([login, *said, *out], className="subject")


def _ways(person: Person) -> str:
    ways = [
        *(["password"] if person.has_password else []),
        *([person.oidc_issuer] if person.oidc_issuer else []),
    ]
    return clean(", ".join(ways), 200) if ways else "–"


def _password(person: Person) -> Component:
    return html.Details(
        [html.Summary("Set another" if person.has_password else "Set one"), password_form(person.login)],
        className="fold",
    )
