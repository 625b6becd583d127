"""The page of a first run: three ways to begin, what works, the first readings, and a test of email."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.accounts.add_page import ADD, names_card
from dashboard.asgi.process import MailTest, WebProcess
from dashboard.asgi.settings import DashboardSettings
from dashboard.help.first_run_facts import FirstRunFacts
from dashboard.help.readiness import Readiness, platform_readiness, workers_readiness
from dashboard.ui import words
from dashboard.ui.cards import card, table_card, td
from dashboard.ui.inputs import text_field
from storage.live.first_readings import FirstReading
from storage.model.alerts.rules import is_channel, is_recipient
from storage.model.core.accounts import Platform
from storage.model.core.people import Actor, Role
from storage.model.text.states import PLATFORM_NAME, clean, short_words
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import number

TRY_MAIL = Role.ADMIN
"""Who may have an email sent to any address, as who may name it in a rule."""
TICK, STATE, READINGS = "first-run-tick", "first-run-state", "first-run-readings"
MAIL_TO, MAIL_SEND, MAIL_SAID = "mail-test-to", "mail-test-send", "mail-test-said"
EVERY_MS = 2_000
"""How often the page looks for readings and workers."""
_NEXT = (
    (
        "Write an alert rule",
        "/alerts/rules/new",
        Role.ADMIN,
        "so that people get an email when a status changes",
    ),
    ("File an order", "/orders/new", Role.ANALYST, "with the accounts it names, to see who complied"),
    ("Open Live", "/", Role.VIEWER, "to see every watched account over time"),
)


def first_run_page(
    facts: FirstRunFacts, process: WebProcess, actor: Actor, settings: DashboardSettings, tag: list[Component]
) -> Component:
    """The page as of the moment of `facts`; callbacks keep its two lists current."""
    watched, posts = facts.readings.watched, facts.readings.watched_posts
    subtitle = (
        html.A(f"{TargetCount(watched - posts, posts).words()} watched", href="/accounts")
        if facts.readings.watched
        else "No accounts are watched yet"
    )
    head = html.Div(
        [html.H1("First run"), *tag, html.Span(subtitle, className="muted", id="first-run-count")],
        className="bar",
    )
    begin = [*_ways(facts, actor, settings), _demonstration()]
    beside = [
        html.Div(state_cards(facts, settings), id=STATE, className="stack"),
        _mail_card(process.mail_test, actor, settings),
    ]
    return html.Div(
        [
            head,
            html.Div(
                [
                    html.Div(readings_cards(facts, actor), id=READINGS, className="stack"),
                    html.Div(
                        [html.Div(begin, className="stack"), html.Div(beside, className="stack")],
                        className="first-columns",
                    ),
                ],
                className="stack add-accounts",
            ),
            dcc.Interval(id=TICK, interval=EVERY_MS),
        ],
        className="first-run",
    )


def _ways(facts: FirstRunFacts, actor: Actor, settings: DashboardSettings) -> list[Component]:
    if actor.role.includes(ADD):
        return [
            names_card(
                "Watch more accounts" if facts.readings.watched else "Watch your first accounts",
                "paste handles or addresses, or upload a table; you see what each line means before anything "
                "is watched",
            )
        ]
    if settings.login is None:
        who = "This dashboard has no login: the setting role gives every visitor the role viewer. "
        who += "Set it to analyst to add accounts here, or use the command “blockline accounts import”."
    elif facts.may_add:
        who = f"Your role is {actor.role.value}. These people can add accounts: {_some(facts.may_add)}."
    else:
        who = (
            f"Your role is {actor.role.value}, and nobody who can log in may add accounts. An operator can "
            "add a person with the command “blockline users add”."
        )
    return [card("Watch the first accounts", "", html.P(who, className="nothing"))]


def _some(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(clean(name, 80) for name in names[:most]) + more


def _demonstration() -> Component:
    return card(
        "Try the demonstration",
        "",
        html.P(
            [
                "The command ",
                html.Code("blockline demo --port 8077"),
                " plays an invented scenario on a dashboard of its own, in another database, and changes "
                "nothing here.",
            ],
            className="nothing",
        ),
    )


def state_cards(facts: FirstRunFacts, settings: DashboardSettings) -> list[Component]:
    """What works of reading: a line for the workers, and one for each platform."""
    parts = [("Workers", workers_readiness(facts.workers, facts.heard_at, synthetic=settings.synthetic))]
    parts += [
        (
            PLATFORM_NAME[platform],
            platform_readiness(platform, facts.collectors, facts.workers, settings, facts.at),
        )
        for platform in Platform
    ]
    issues = (
        html.A(f"{number(facts.issues, 'open issue')} on the Health page", href="/health", className="under")
        if facts.issues
        else html.A("More on the Health page", href="/health", className="under")
    )
    rows = [(html.B(name), _status(one), one.said) for name, one in parts]
    return [
        table_card(
            "What is read",
            "from reports of workers, answers of platforms and the settings of this process",
            ("Part", "Status", "Why"),
            rows,
            html.P(issues, className="nothing"),
        )
    ]


def _status(one: Readiness) -> Component:
    return html.Span(one.status, className=f"condition {one.mark}")


def readings_cards(facts: FirstRunFacts, actor: Actor) -> list[Component]:
    """The newest watched accounts with their first readings, and what comes next; empty if there are none."""
    found = facts.readings
    if not found.watched:
        return []
    read = sum(one.last_at is not None for one in found.accounts)
    left = found.watched - len(found.accounts)
    note = f"{read:,} of {len(found.accounts):,} read" + (
        f"; {left:,} older ones are on the Accounts page" if left else ""
    )
    lines = html.Table(
        html.Tbody(
            [
                html.Tr(
                    [
                        td(
                            html.A(
                                f"@{clean(one.handle, 120)}",
                                href=f"/account/{one.account_id}",
                                className="handle",
                            ),
                            "Account",
                        ),
                        td(PLATFORM_NAME[one.platform], "Platform"),
                        td(first_reading_words(one), "First reading"),
                    ]
                )
                for one in found.accounts
            ]
        ),
        className="labelled",
    )
    steps = [
        html.Li([html.A(name, href=address, className="under"), f" {what}."])
        for name, address, role, what in _NEXT
        if actor.role.includes(role)
    ]
    return [
        html.Div(
            [
                html.Div(
                    [html.H2("First readings"), html.Span(note, className="faint", role="status")],
                    className="card-head",
                ),
                html.Div(lines, className="first-lines"),
            ],
            className="card narrow",
        ),
        card("What comes next", "", html.Ul(steps, className="first-next")),
    ]


def first_reading_words(one: FirstReading) -> str:
    """The line of an account: whether it was asked about, when it was read first, and what was seen."""
    if one.last_at is None:
        if one.asked_at is None:
            return "waiting to be read"
        return f"asked {words.exact(one.asked_at)}, no conclusive answer yet"
    status = "no status stored" if one.state is None else short_words(one.state, one.platform, one.flags)
    if not one.is_confirmed:
        status += ", not confirmed yet"
    if one.first_at is None:
        return f"last read {words.exact(one.last_at)}: {status}"
    return f"first read {words.exact(one.first_at)}: {status}"


def _mail_card(tested: MailTest | str, actor: Actor, settings: DashboardSettings) -> Component:
    title = "Email"
    if settings.synthetic:
        said = "The demonstration sends its emails to a mailbox of its own; the Mail page shows them."
        return card(title, "", html.P(said, className="nothing"))
    if isinstance(tested, str):
        where = " Put it into blockline.toml (docs/how-to/alerts.md) and start “blockline run” again."
        return card(title, "", html.P(tested + where, className="nothing"))
    note = f"through {clean(tested.server, 120)}; not tried by this page yet"
    if not actor.role.includes(TRY_MAIL):
        said = f"Your role is {actor.role.value}. An admin can send a test email here."
        return card(title, note, html.P(said, className="nothing"))
    own = actor.name if is_recipient(actor.name) and not is_channel(actor.name) else ""
    return card(
        title,
        note,
        html.Div(
            [
                text_field(MAIL_TO, "Your email address", own, maxLength=320),
                html.Button("Send a test email to me", id=MAIL_SEND, className="button primary"),
            ],
            className="form add-row",
        ),
        html.P(id=MAIL_SAID, role="status", className="nothing"),
    )
