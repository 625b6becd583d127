"""The parts of the Health page about outbox, database, web process and maintenance tasks."""

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from dashboard.alerts.undelivered import undelivered_card
from dashboard.asgi.process import WebProcess
from dashboard.health import words as health_words
from dashboard.health.facts import HealthFacts
from dashboard.health.reading_cards import verdict
from dashboard.ui import words
from dashboard.ui.cards import Cell, table_card
from dashboard.ui.terms import term
from storage.backup.backup_log import RecordedBackup
from storage.health.checks import mail_checks
from storage.health.condition_facts import Thresholds
from storage.health.maintenance_tasks_report import (
    ANCHOR_AT,
    ARCHIVE_AT,
    RETENTION_AT,
    SEAL_AT,
    next_run,
)
from storage.model.alerts.conditions import ABOUT_MAILS, Condition
from storage.model.core.people import Actor
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import size_words
from storage.postgres.replica import replica_of

Fact = tuple[Cell, Cell, str]
"""A name, its value and a note; an empty note is left out."""


_NEVER_SENT = (
    "No server accepted an email or message yet, so it is not known whether one does. The page First run "
    "sends a test email."
)
_NEVER_SENT_BY_THE_DEMONSTRATION = (
    "No email was sent yet. The demonstration sends its emails to a mailbox of its own; the Mail page shows "
    "them."
)


def outbox_cards(facts: HealthFacts, process: WebProcess, actor: Actor) -> list[Component]:
    box = facts.outbox
    rows: list[Fact] = [
        (
            "Undecided alerts",
            f"{box.undecided:,}",
            "" if box.undecided_since is None else f"since {words.stamp(box.undecided_since)}",
        ),
        (
            "Waiting",
            f"{box.waiting:,}",
            "" if box.oldest_at is None else f"oldest written {words.stamp(box.oldest_at)}",
        ),
        ("Next attempt", "–" if box.retry_at is None else words.stamp(box.retry_at), ""),
        (
            term("dead letter", "Failed permanently"),
            f"{box.dead:,}",
            "each can be sent again" if box.dead else "",
        ),
        ("Sent", f"{box.sent:,}", "accepted by a server, in total"),
    ]
    found = mail_checks(facts.undelivered, facts.at, Thresholds(facts.sweep_every))
    return [
        _facts(
            "Outbox",
            "emails and messages that wait to be sent",
            _outbox_verdict(found, facts, process),
            rows,
        ),
        *undelivered_card(facts.mails, actor, "/health"),
    ]


def _outbox_verdict(
    found: list[Condition], facts: HealthFacts, process: WebProcess
) -> health_words.HealthVerdict:
    wrong = health_words.told_of(found, ABOUT_MAILS)
    if wrong is not health_words.WELL or facts.outbox.sent:
        return wrong
    if process.settings.synthetic:
        return health_words.HealthVerdict(unproved=_NEVER_SENT_BY_THE_DEMONSTRATION)
    is_set_up = not isinstance(process.mail_test, str)
    return health_words.HealthVerdict(
        unproved=_NEVER_SENT if is_set_up else f"Not set up. {process.mail_test}"
    )


def database_cards(facts: HealthFacts, process: WebProcess) -> list[Component]:
    found = facts.database
    pool = f"this process uses {process.pool.get_size():,} of at most {process.pool.get_max_size():,}"
    rows: list[Fact] = [
        ("Server", f"Postgres {found.version}", f"started {words.stamp(found.started_at)}, by its own clock"),
        ("Size", size_words(found.bytes), ""),
        ("Connections", f"{found.connections:,} of {found.most_connections:,}", pool),
        _backup(facts.backup, facts.at),
    ]
    replica = replica_of(process.pool)
    if replica is not None:
        state = replica.state
        said = "not checked yet" if state is None else "in use" if state.is_used else "not in use"
        rows.append(("Replica", f"{replica.address}, {said}", health_words.replica_note(state)))
    sizes = health_words.groups(found.tables, facts.growth)
    table = table_card(
        "Storage use",
        "with indexes; row counts are estimates of the server; growth over the last day, of changes and "
        "engagements over the last week",
        ("Data", "Size", "Rows", "Growth"),
        [
            (
                g.name,
                size_words(g.bytes),
                "not estimated yet" if g.rows is None else f"about {g.rows:,}",
                "not counted" if g.day is None else f"{size_words(g.day)} per day",
            )
            for g in sizes
        ],
    )
    wrong = health_words.database_verdict(found, None if replica is None else replica.state)
    return [_facts("Database", "", wrong, rows), table]


def _backup(newest: RecordedBackup | None, now: datetime) -> Fact:
    if newest is None:
        note = "“blockline backup FILE” records each backup that it verified; others are not known here"
        return "Newest backup", "No backup is recorded", note
    signed = "signed" if newest.is_signed else "not signed"
    return (
        "Newest backup",
        html.Div([words.stamp(newest.created_at), html.Small(words.ago(newest.created_at, now))]),
        f"verified {words.stamp(newest.verified_at)}, by {clean(newest.made_by, 80)} on "
        f"{clean(newest.host, 80)}: {clean(newest.file, 200)} ({size_words(newest.bytes)}, {signed}). "
        "Whether the file still exists is not known",
    )


def listener_card(process: WebProcess) -> Component:
    since = process.listening_since
    rows: list[Fact] = [
        (
            "Database updates",
            "not received" if since is None else "received",
            "" if since is None else f"since {words.stamp(since)}",
        ),
        ("Browsers", f"{len(process.browsers):,}", "connected by websocket"),
    ]
    note = "the process that served this page; others are not included"
    return _facts("Web process", note, health_words.listener_verdict(since is not None), rows)


def _facts(title: str, note: str, found: health_words.HealthVerdict, rows: list[Fact]) -> Component:
    """A card of facts under their verdict."""
    return html.Div(
        [
            html.Div([html.H2(title), html.Span(note, className="faint")], className="card-head"),
            verdict(found),
            html.Dl(
                [
                    html.Div([html.Dt(name), html.Dd(value), *([html.Dd(small)] if small else [])])
                    for name, value, small in rows
                ],
                className="facts",
            ),
        ],
        className="card",
    )


def maintenance_card(facts: HealthFacts) -> Component:
    found, now = facts.maintenance, facts.at
    rows: list[tuple[Cell, ...]] = [
        (
            "Hash chain: newest entry",
            _when(found.chain_at, now),
            "–",
            f"{found.chain_entries:,} entries; the command “blockline evidence chain” checks all of them",
            "",
        ),
        (
            "Hash chain: newest time stamp",
            _when(found.anchored_at, now),
            words.stamp(next_run(ANCHOR_AT, now)) if health_words.is_anchored_daily(found, now) else "–",
            "no entry has a time stamp; use the setting tsa_url to request one daily"
            if found.anchored_seq is None
            else f"entry {found.anchored_seq:,} of {found.chain_entries:,}",
            verdict(health_words.chain_verdict(found, now)) if found.anchored_at else "",
        ),
        (
            "Hash chain: newest checkpoint",
            _when(None if found.checkpoint is None else found.checkpoint.at, now),
            words.stamp(next_run(SEAL_AT, now)),
            "no checkpoint was signed yet"
            if found.checkpoint is None
            else f"{found.checkpoint.size:,} of {found.chain_entries:,} entries",
            verdict(health_words.checkpoint_verdict(found, now)) if found.checkpoint else "",
        ),
        (
            "Audit log in the hash chain",
            _when(found.audit_log.sealed_at, now),
            words.stamp(next_run(SEAL_AT, now)),
            f"{found.audit_log.sealed:,} of {found.audit_log.entries:,} entries; with a time stamp: "
            f"{found.audit_log.anchored:,}",
            "",
        ),
        (
            "Evidence retention",
            _when(found.retention_at, now),
            words.stamp(next_run(RETENTION_AT, now)) if found.retention_lists else "–",
            "no list has a retention period, so all evidence is kept"
            if not found.retention_lists
            else f"once per day; lists with a retention period: {found.retention_lists:,}",
            verdict(health_words.retention_verdict(found, now)) if found.retention_lists else "",
        ),
        (
            "Archive of old months",
            _when(found.archive_at, now),
            words.stamp(next_run(ARCHIVE_AT, now)) if health_words.is_archived_daily(found, now) else "–",
            "no month was archived; use the setting archive_after_months to archive old ones daily"
            if found.archived_months == 0
            else f"archived months: {found.archived_months:,}",
            ""
            if found.archive_at is None and found.archive_failure is None
            else verdict(health_words.archive_verdict(found)),
        ),
        (
            "Engagements of executives",
            _when(found.engagement_at, now),
            "–",
            "no executive's engagements are collected" if not found.executives else _executives(facts),
            "",
        ),
    ]
    if found.follows_at is not None:
        rows.append(("Lists of follows", _when(found.follows_at, now), "–", "read completely", ""))
    rows += [
        (f"Stream of {PLATFORM_NAME[platform]}", _when(at, now), "–", "processed up to this time", "")
        for platform, at in found.streams
    ]
    return table_card(
        "Maintenance tasks",
        "background work besides readings, with its last and next time",
        ("Task", "Last", "Next", "Details", "Status"),
        rows,
    )


def _executives(facts: HealthFacts) -> str:
    found = facts.maintenance
    if found.never_asked:
        return f"{_accounts(found.executives)}, {found.never_asked:,} never asked"
    behind = "" if found.engagement_behind_at is None else words.ago(found.engagement_behind_at, facts.at)
    return f"{_accounts(found.executives)}; the one waiting longest was last asked {behind}"


def _accounts(n: int) -> str:
    return "one account" if n == 1 else f"{n:,} accounts"


def _when(at: datetime | None, now: datetime) -> Cell:
    return "never" if at is None else html.Div([words.stamp(at), html.Small(words.ago(at, now))])
