"""The part of the Health page about who is read when: why requests are made, and how old each list's are."""

from dash.development.base_component import Component

from dashboard import words
from dashboard.health_facts import HealthFacts
from dashboard.order_words import share
from dashboard.pages.account_tables import card, nothing
from storage.model.units import span
from storage.model.words import clean
from storage.reports_planning import ListPace

ROWS = 100


def planning_cards(facts: HealthFacts) -> list[Component]:
    return [_why(facts), _lists(facts)]


def _why(facts: HealthFacts) -> Component:
    title, note = "Why accounts were read", "requests of the last 24 hours, from our own connection"
    if not facts.read_for:
        return nothing(title, note, "Nothing was asked in the last 24 hours.")
    total = sum(one.accounts for one in facts.read_for)
    return card(
        title,
        note,
        ("Why", "Requests", "Accounts asked", "Of all that were asked"),
        [
            (words.WHY_READ[one.why], f"{one.requests:,}", f"{one.accounts:,}", share(one.accounts, total))
            for one in facts.read_for
        ],
    )


def _lists(facts: HealthFacts) -> Component:
    title = "How late a change would be seen"
    note = "by list, how old the last readings of its accounts are: so much later a change is seen on average"
    if not facts.paces:
        return nothing(title, note, "No list has watched accounts.")
    return card(
        title,
        note,
        ("List", "Watched", "Read", "Age on average", "The oldest", "Nothing read lately"),
        [_row(one, facts) for one in facts.paces[:ROWS]],
    )


def _row(one: ListPace, facts: HealthFacts) -> tuple[str, ...]:
    every = "in turn" if one.every is None else f"every {span(one.every)}, as promised"
    oldest = "–" if one.oldest_at is None else words.span(facts.at - one.oldest_at)
    mean = "–" if one.mean_age is None else words.span(one.mean_age)
    return clean(one.name, 120), f"{one.watched:,}", every, mean, oldest, f"{one.unread:,}"
