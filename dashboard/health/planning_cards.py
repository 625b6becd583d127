"""The part of the Health page about who is read when: why requests were made, and how late lists are seen."""

from dash import html
from dash.development.base_component import Component

from dashboard.health import daily_cost_limit_words
from dashboard.health.facts import HealthFacts
from dashboard.ui import words
from dashboard.ui.cards import empty_card, table_card
from dashboard.ui.terms import term
from dashboard.ui.words import share
from storage.health.planner_report import LONGEST, ListPace
from storage.model.text.states import clean
from storage.work.daily_cost_limit import StoredDailyBill

ROWS = 100


def planning_cards(facts: HealthFacts) -> list[Component]:
    return [*(_bill(bill) for bill in facts.daily_costs), _why(facts), _lists(facts)]


def _bill(bill: StoredDailyBill) -> Component:
    """The day under a cost limit: what is paid for, and the sentinel accounts of each list."""
    lists = sorted(bill.lists, key=lambda one: (one.paid > 0, one.name))
    return table_card(
        f"Daily cost on {daily_cost_limit_words.platform_name(bill)}",
        "each account is billed once per UTC day, however often it is read",
        ("List", "Watched", term("sentinel account", "Sentinels paid"), "Not paid"),
        [
            (clean(one.name, 120), f"{one.watched:,}", f"{one.paid:,}", f"{one.watched - one.paid:,}")
            for one in lists[:ROWS]
        ],
        above=html.P(
            " ".join(
                (
                    f"{daily_cost_limit_words.daily_spend(bill)}.",
                    *daily_cost_limit_words.daily_limit_notes(bill),
                )
            ),
            className="verdict",
        ),
    )


def _why(facts: HealthFacts) -> Component:
    title, note = "Reasons for reading", "requests of the last 24 hours, from Blockline's own connection"
    if not facts.read_for:
        return empty_card(title, note, "No requests in the last 24 hours.")
    total = sum(one.accounts for one in facts.read_for)
    return table_card(
        title,
        note,
        ("Reason", "Requests", "Accounts", "Share of accounts"),
        [
            (words.WHY_READ[one.why], f"{one.requests:,}", f"{one.accounts:,}", share(one.accounts, total))
            for one in facts.read_for
        ],
    )


def _lists(facts: HealthFacts) -> Component:
    title = "Detection delay"
    note = (
        f"per list, over the last {words.span(min(4 * facts.sweep_every, LONGEST))}: how long a change would "
        "have waited for the next reading"
    )
    if not facts.paces:
        return empty_card(title, note, "No list has watched accounts. Add accounts on the Accounts page.")
    return table_card(
        title,
        note,
        ("List", "Watched", term("guaranteed interval", "Interval"), "Average", "Longest", "Not read"),
        [_row(one) for one in facts.paces[:ROWS]],
    )


def _row(one: ListPace) -> tuple[str, ...]:
    every = "once per sweep" if one.every is None else f"every {words.span(one.every)}, guaranteed"
    delay, longest = ("–" if t is None else words.span(t) for t in (one.delay, one.longest))
    return clean(one.name, 120), f"{one.watched:,}", every, delay, longest, f"{one.unread:,}"
