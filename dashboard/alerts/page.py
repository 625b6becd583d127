"""Alerts: open incidents, mutes, decisions of the rules, and the audit log."""

from collections.abc import Sequence
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.alerts.decisions import decisions_card
from dashboard.alerts.facts import ACKNOWLEDGED, ACTS, DECISIONS, Alerts
from dashboard.alerts.rules import rules_card
from dashboard.alerts.undelivered import undelivered_card
from dashboard.auth import access
from dashboard.ui import alert_words, words
from dashboard.ui.alert_words import actor_words
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.forms import DURATION_OR_END, START, form, line
from dashboard.ui.terms import term
from dashboard.ui.time_markup import QUOTED
from storage.alerts.decisions_report import Decided
from storage.alerts.mutes import MuteLine
from storage.alerts.threads_report import AcknowledgedThread, AlertRecipient, OpenThread
from storage.model.alerts.alerts import AlertDecision
from storage.model.core.people import Actor
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.audit_log import AuditEntry


def alerts_page(
    known: Alerts, actor: Actor, now: datetime, tag: list[Component], *, muted: str = ""
) -> Component:
    """Return the page; `muted` is the list with which the form that mutes is filled in."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Alerts"),
                    *tag,
                    html.Span("Incidents, mutes, decisions and rules", className="muted"),
                    html.A("All incidents", href="/incidents", className="under"),
                    html.A("Delivery log", href="/alerts/deliveries", className="under"),
                ],
                className="bar",
            ),
            html.Div(
                [
                    *_role(actor),
                    _stories(known, actor, now),
                    *_taken(known),
                    *undelivered_card(known.mails, actor, "/alerts"),
                    _mutes(known.mutes, actor, now, muted),
                    _decided(known.decided, None),
                    rules_card(known.rules, known.unreadable, known.absent, actor),
                    _acts(known.acts),
                ],
                className="stack alerts",
            ),
        ]
    )


def decisions_page(decided: Sequence[Decided], chosen: AlertDecision, tag: list[Component]) -> Component:
    """The decisions of one kind."""
    return html.Div(
        [
            html.Div(
                [
                    html.A("Alerts", href="/alerts", className="under"),
                    html.Span("/", className="faint"),
                    html.Span(alert_words.decision_name(chosen)),
                    *tag,
                ],
                className="bar",
            ),
            html.Div([_decided(decided, chosen)], className="stack alerts"),
        ]
    )


def _role(actor: Actor) -> list[Component]:
    """What the reader's role allows, when some buttons are missing."""
    if actor.role.includes(access.RULES):
        return []
    may = "can acknowledge, mute and send again" if actor.role.includes(access.MUTE) else "can only read"
    return [html.P(f"Your role is {actor.role.value}: you {may}.", className="muted")]


def _stories(known: Alerts, actor: Actor, now: datetime) -> Component:
    may = actor.role.includes(access.ACKNOWLEDGE)
    if not known.threads:
        return empty_card(
            "Open incidents",
            "not acknowledged, and assigned to nobody",
            "No open incidents. A rule opens one when it selects a confirmed change. Those that somebody "
            "acknowledged, took or closed are on the page of all incidents.",
        )
    rest = known.waiting - len(known.threads)
    more = f"; {rest:,} older ones are not shown" if rest > 0 else ""
    columns = (
        term("incident"),
        "Sent to",
        "Latest alert",
        term("group of changes", "Groups"),
        *(("Acknowledge",) if may else ()),
    )
    return table_card(
        "Open incidents",
        f"not acknowledged, and assigned to nobody, newest first{more}",
        columns,
        [
            (
                _incident(s),
                _recipients(s),
                html.Div([words.stamp(s.told_at), *map(html.Small, _since(s, now))]),
                f"{s.waves:,}",
                *((_take(s),) if may else ()),
            )
            for s in known.threads
        ],
    )


def _taken(known: Alerts) -> list[Component]:
    if not known.acknowledged:
        return []
    return [
        table_card(
            "Acknowledged incidents",
            f"newest {ACKNOWLEDGED}",
            (term("incident"), term("acknowledged", "Acknowledged by"), "Time", "Note", "Reminders"),
            [
                (
                    _incident(s),
                    actor_words(s.taken_by),
                    words.stamp(s.taken_at),
                    f"“{clean(s.note, 500)}”" if s.note else "–",
                    _asked(s),
                )
                for s in known.acknowledged
            ],
        )
    ]


def _asked(thread: AcknowledgedThread) -> Cell:
    lines = [
        f"{what} {words.stamp(at)}"
        for what, at in (("reminder", thread.reminded_at), ("escalated", thread.escalated_at))
        if at is not None
    ]
    return html.Div([html.Div(line) for line in lines]) if lines else "–"


def _incident(thread: OpenThread | AcknowledgedThread) -> Component:
    subject = clean(thread.subject, 200) if thread.subject else "Incident without an email"
    title = (
        subject
        if thread.mail_id is None
        else html.A(subject, href=f"/mail/{thread.mail_id}", className=QUOTED)
    )
    named = thread.list_name if isinstance(thread, OpenThread) else None
    of = f" · {clean(named, 80)}" if named is not None else ""
    work = html.A("Assign or close", href=f"/incidents/{thread.story_key}", className="under")
    return html.Div([title, html.Small(f"rule {clean(thread.rule, 80)}{of}"), work], className="subject")


def _recipients(thread: OpenThread) -> Component:
    return html.Div([_recipient(t) for t in thread.told])


def _recipient(one: AlertRecipient) -> Component:
    state = html.Span(alert_words.MAIL_STATE[one.state], className=f"state {one.state.value}")
    return html.Div([clean(one.recipient, 80), " ", state])


def _since(thread: OpenThread, now: datetime) -> list[str]:
    lines = [words.ago(thread.told_at, now)]
    if thread.waves > 1:
        lines.append(f"first sent {words.stamp(thread.first_at)}")
    if thread.earlier_by:
        lines.append(f"an earlier group was acknowledged by {actor_words(thread.earlier_by)}")
    if thread.reminded_at is not None:
        lines.append(f"reminder {words.stamp(thread.reminded_at)}")
    if thread.is_escalated:
        lines.append("escalated")
    return lines


def _take(thread: OpenThread) -> Component:
    note = line("note", "Note", "note (optional)")
    return form("acknowledge", [note], "Acknowledge", sends=("story", thread.story_key))


def _mutes(mutes: Sequence[MuteLine], actor: Actor, now: datetime, muted: str) -> Component:
    may, plans = actor.role.includes(access.MUTE), actor.role.includes(access.MAINTENANCE)
    forms = [*([mute_form(muted)] if may else []), *([maintenance_form()] if plans else [])]
    below = [html.Div(forms, className="forms", id="mute")] if forms else []
    title, note = (
        "Mutes and maintenance",
        "no alerts are sent for these; their changes are recorded as usual",
    )
    if not mutes:
        return empty_card(title, note, "Nothing is muted and no maintenance is planned.", *below)
    return table_card(
        title,
        note,
        ("Muted", "From", "Until", "Author", *(("",) if may else ())),
        [
            (
                html.Div([_muted(m), *([html.Small(f"“{clean(m.note, 500)}”")] if m.note else [])]),
                words.stamp(m.since) if m.since <= now else f"{words.stamp(m.since)}, not started yet",
                words.stamp(m.until) if m.until is not None else "until ended",
                actor_words(m.made_by),
                *((_end(m),) if may and (plans or not m.is_maintenance) else ("",) if may else ()),
            )
            for m in mutes
        ],
        *below,
    )


def _muted(mute: MuteLine) -> Cell:
    if mute.handle is not None and mute.platform is not None:
        name = f"@{clean(mute.handle, 120)} ({PLATFORM_NAME[mute.platform]})"
        return html.A(name, href=f"/account/{mute.account_id}", className="handle")
    if mute.list_name is not None:
        return f"List {clean(mute.list_name, 120)}"
    return "Everything (maintenance)"


def _end(mute: MuteLine) -> Component:
    return form("mute/end", [], "End now", sends=("mute", str(mute.mute_id)))


def _decided(decided: Sequence[Decided], chosen: AlertDecision | None) -> Component:
    note = f"newest {DECISIONS}, identical ones in one row"
    return decisions_card(decided, "Recent decisions", note, chosen)


def _acts(acts: Sequence[AuditEntry]) -> Component:
    title, note = "Audit log", f"newest {ACTS} entries; entries are never changed or removed"
    if not acts:
        return empty_card(title, note, "No entries yet. Each action on this page adds one.")
    return table_card(
        title,
        note,
        ("Time", "Person", "Action", "Object"),
        [(words.stamp(a.at), actor_words(a.actor), clean(a.action, 80), _subject(a)) for a in acts],
    )


def _subject(act: AuditEntry) -> Component:
    said = act.detail.get("note")
    note = [html.Small(f"“{clean(said, 300)}”")] if isinstance(said, str) and said else []
    return html.Div([clean(act.subject, 200) if act.subject else "–", *note])


def mute_form(list_name: str = "") -> Component:
    return form(
        "mute",
        [
            line("account", "Account", "number or @handle"),
            line("list", "List or order", "name or reference", value=list_name),
            line("until", DURATION_OR_END, "6h, 2d or tomorrow 08:00 (UTC)"),
            line("note", "Note", "why"),
        ],
        "Mute",
    )


def maintenance_form() -> Component:
    return form(
        "maintenance",
        [
            line("since", START, "now"),
            line("until", DURATION_OR_END, "6h or tomorrow 08:00 (UTC)", required=True),
            line("note", "Note", "why"),
        ],
        "Plan maintenance",
    )
