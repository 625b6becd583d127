"""What an account belongs to, each with its link, and the forms to tag it and to mute it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboard.auth import access
from dashboard.incidents.words import STATE_NAME, subject_of
from dashboard.ui import words
from dashboard.ui.alert_words import actor_words
from dashboard.ui.cards import card
from dashboard.ui.forms import DURATION_OR_END, form, line
from dashboard.ui.time_markup import QUOTED
from storage.alerts.incidents import IncidentLine
from storage.alerts.mutes import MuteLine
from storage.live.account_links import AccountLinks
from storage.model.core.people import Actor, Role
from storage.model.tables.tag_and_list_edits import LONGEST_TAG
from storage.model.text.states import clean
from storage.model.text.units import number

EDIT_TAGS = Role.ANALYST


def links_card(
    account_id: int,
    links: AccountLinks,
    mutes: Sequence[MuteLine],
    actor: Actor,
    now: datetime,
    noun: str = "account",
) -> Component:
    """Return the card. `mutes` are all that run or are still to come; those of others are left out."""
    lists = [
        _under(f"{one.name} (archived)" if one.is_archived else one.name, f"/accounts/lists/{one.list_id}")
        for one in links.memberships
        if one.order_id is None
    ]
    orders = [
        _under(one.order_title or one.name, f"/orders/{one.order_id}")
        for one in links.memberships
        if one.order_id is not None
    ]
    rows: list[tuple[str, list[Component | str]]] = [
        ("Lists", _joined(lists) or ["On no list"]),
        ("Orders", _joined(orders) or ["Named by no stored order"]),
        ("Incidents", _incidents(links)),
        ("Tags", _tags(account_id, links.tags, actor)),
        ("Alerts", _mutes(account_id, links, mutes, actor, now)),
    ]
    return card(
        "Lists, orders and incidents",
        f"what this {noun} belongs to",
        html.Table(
            html.Tbody([html.Tr([html.Th(name, scope="row"), html.Td(value)]) for name, value in rows]),
            className="papers belongs",
        ),
        *_forms(account_id, actor),
    )


def mutes_of(account_id: int, links: AccountLinks, mutes: Sequence[MuteLine]) -> list[MuteLine]:
    """The mutes that cover an account: its own, those of its lists, and maintenance of everything."""
    names = {one.name for one in links.memberships}
    return [m for m in mutes if m.account_id == account_id or m.list_name in names or m.is_maintenance]


def _under(text: str, href: str, look: str = "") -> Component:
    return html.A(clean(text, 120), href=href, className=f"under {look}".strip())


def _joined(parts: Sequence[Component]) -> list[Component | str]:
    out: list[Component | str] = []
    for part in parts:
        out += [", ", part] if out else [part]
    return out


def _incidents(links: AccountLinks) -> list[Component | str]:
    if not links.incidents:
        return ["No incident yet"]
    shown: list[Component | str] = [html.Div(_incident(one)) for one in links.incidents]
    rest = links.incident_count - len(links.incidents)
    if rest > 0:
        shown.append(html.Div(_under(f"and {number(rest, 'older incident')}", "/incidents")))
    return shown


def _incident(one: IncidentLine) -> list[Component | str]:
    state = STATE_NAME[one.work.state]
    return [_under(subject_of(one), f"/incidents/{one.work.story_key}", QUOTED), f" ({state.lower()})"]


def _tags(account_id: int, tags: Sequence[str], actor: Actor) -> list[Component | str]:
    if not tags:
        return ["None"]
    may = actor.role.includes(EDIT_TAGS)
    return [
        html.Span(
            [
                html.Span(clean(tag, LONGEST_TAG), className="chip"),
                *([_button(account_id, "remove", tag)] if may else []),
            ],
            className="tagged",
        )
        for tag in tags
    ]


def _button(account_id: int, act: str, tag: str) -> Component:
    named: dict[str, Any] = {"name": "tag", "value": tag}
    label = {"aria-label": f"Remove the tag {tag}"}
    button = html.Button("Remove", type="submit", className="link", **label, **named)
    return html.Form(button, action=_address(account_id, act), method="post", className="form")


def _address(account_id: int, act: str) -> str:
    return f"/api/account/{account_id}/tags/{act}?back={quote(f'/account/{account_id}')}"


def _mutes(
    account_id: int, links: AccountLinks, mutes: Sequence[MuteLine], actor: Actor, now: datetime
) -> list[Component | str]:
    found = mutes_of(account_id, links, mutes)
    if not found:
        return ["Not muted"]
    return [html.Div(_mute(m, account_id, actor, now)) for m in found]


def _mute(mute: MuteLine, account_id: int, actor: Actor, now: datetime) -> list[Component | str]:
    if mute.is_maintenance:
        what = "Maintenance of everything"
    else:
        what = "Muted" if mute.account_id is not None else f"List {clean(mute.list_name or '', 120)} is muted"
    since = "" if mute.since <= now else f" from {words.stamp(mute.since)}"
    until = "until ended" if mute.until is None else f"until {words.stamp(mute.until)}"
    note = f": “{clean(mute.note, 500)}”" if mute.note else ""
    # A mute of a list or of everything is about others too: it ends on the Alerts page.
    may = mute.account_id is not None and actor.role.includes(access.MUTE)
    end = form("mute/end", [], "End now", f"/account/{account_id}", sends=("mute", str(mute.mute_id)))
    return [f"{what}{since} {until}, by {actor_words(mute.made_by)}{note} ", *([end] if may else [])]


def _forms(account_id: int, actor: Actor) -> list[Component]:
    forms: list[Component] = []
    if actor.role.includes(EDIT_TAGS):
        forms.append(
            html.Form(
                [
                    line("tag", "New tag", "one word", required=True),
                    html.Button("Add tag", type="submit", className="button"),
                ],
                action=_address(account_id, "add"),
                method="post",
                className="form",
            )
        )
    if actor.role.includes(access.MUTE):
        forms.append(
            form(
                "mute",
                [
                    line("until", DURATION_OR_END, "6h, 2d or tomorrow 08:00 (UTC)"),
                    line("note", "Note", "why"),
                ],
                "Mute",
                f"/account/{account_id}",
                sends=("account", str(account_id)),
            )
        )
    if actor.role.includes(Role.ANALYST):
        forms.append(html.P(html.A("Write a note", href="#notes", className="under")))
    if not forms:
        return []
    return [
        html.Details(
            [html.Summary("Tag, mute or write a note"), html.Div(forms, className="forms")],
            className="fold edits",
        )
    ]
