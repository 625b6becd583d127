"""The page under an address: what is read for it, and who draws it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote

from dash.development.base_component import Component

from dashboard.accounts.account_chart import TimelineOverlay, account_figure
from dashboard.accounts.account_context import read_account_context
from dashboard.accounts.account_notes import notes_card
from dashboard.accounts.account_page import account_page
from dashboard.accounts.account_readings import ReadingsRange, read_readings, readings_range
from dashboard.accounts.account_readings_page import readings_card
from dashboard.accounts.table_page import accounts_page
from dashboard.alerts.deliveries import chosen_of, deliveries_of, wanted
from dashboard.alerts.facts import DECISIONS, read_alerts
from dashboard.alerts.mails import LIMIT, mail_page
from dashboard.alerts.page import alerts_page, decisions_page
from dashboard.asgi.settings import DashboardSettings
from dashboard.auth.access import acting
from dashboard.countries.countries_page import countries_page
from dashboard.countries.country_page import EVERY, PAGE, country_page, shown_of
from dashboard.countries.published_page import published_page
from dashboard.executives.pages import executive_pages
from dashboard.health.facts import ThisProcess, read_health
from dashboard.health.page import health_page
from dashboard.orders.orders_page import order_pages
from dashboard.people.facts import read_people
from dashboard.people.page import settings_page
from dashboard.replay.page import ReplayMoment, moment_of, replay_page
from dashboard.replay.reevaluation import ReevaluationRuns
from dashboard.replay.reevaluation_page import read_reevaluation_page, reevaluation_page
from dashboard.server.shell import synthetic_tag
from dashboard.sizing.page import LISTS, plan_page
from dashboard.stories.stories_page import story_pages
from dashboard.ui.cards import NO_SUCH_PAGE, missing_page
from dashboard.ui.chart_style import Theme, graph
from storage.accounts.notes import notes_of
from storage.alerts.decisions_report import decided_lately
from storage.alerts.deliveries_report import deliveries
from storage.alerts.mails_report import mail, mail_with
from storage.alerts.threads_report import thread_of
from storage.countries.countries import by_country
from storage.countries.country_report import CountryStatus, country_accounts
from storage.countries.published_report import published_by_country
from storage.health.sizing_report import watch_sizes
from storage.health.status_at import status_at
from storage.live.account_detail import account_detail
from storage.live.lists_and_executives import signals
from storage.model.alerts.alerts import AlertDecision
from storage.model.core.accounts import Platform
from storage.orders.orders import orders
from storage.postgres.pool import Conn, Pool
from storage.postgres.recording_order import settle, settle_at_most

LONGEST_NUMBER = 18
"""Digits of a number that the database takes."""


NOTHING: Mapping[str, str] = MappingProxyType({})
FIELDS = 30
"""The most fields of a query that are read."""


def asked(search: str) -> dict[str, str]:
    """The fields of an address's query, such as "?state=dead&page=2"; the last of a name counts.

    An address is whatever somebody typed: what cannot be read, or stored in no database, asks for nothing.
    """
    try:
        fields = parse_qsl(search.removeprefix("?"), max_num_fields=FIELDS)
    except ValueError:
        return {}
    return {name: value for name, value in fields if "\0" not in value}


async def page_of(
    conn: Conn,
    path: str,
    now: datetime,
    settings: DashboardSettings,
    theme: Theme,
    query: Mapping[str, str] = NOTHING,
    process: ThisProcess | None = None,
    runs: ReevaluationRuns | None = None,
) -> Component:
    """The page under an address, as it stands at `now`; one that says so when there is none.

    `query` is what is chosen on the page, by name; a page ignores what it does not know. `process` is what
    the web process knows of itself, `runs` what was decided again in it.
    """
    tag = synthetic_tag(settings)
    page = None
    match path.strip("/").split("/"):
        case ["mail", *more] if len(more) <= 1:
            page = await _mail(conn, more[0] if more else None, query, now, tag)
        case ["alerts", *more]:
            page = await _alerts(conn, more, now, query, tag)
        case ["health" | "plan" as which]:
            page = await _operations(conn, which, query, now, settings, process, tag)
        case ["orders", *more] if len(more) <= 2:
            page = await order_pages(conn, more, now, settings.gap_after, theme, tag)
        case ["countries", *more] if len(more) <= 3:
            page = await _countries(conn, more, now, theme, tag)
        case ["replay", *more]:
            page = await _replay(conn, more, query, now, settings, runs, tag)
        case ["stories", *more]:
            page = await story_pages(conn, more, query, now, settings, theme, acting(), tag)
        case ["settings"]:
            page = settings_page(await read_people(conn, acting(), query, now), acting(), now, tag)
        case ["executives", *more]:
            page = await executive_pages(conn, more, now, theme, tag)
        case ["accounts"]:
            page = accounts_page(acting(), tag)
        case ["account", number] if number.isdecimal() and len(number) <= LONGEST_NUMBER:
            page = await _account(conn, int(number), now, settings, theme, tag, query)
        case _:
            pass
    return page or missing_page(NO_SUCH_PAGE)


async def settled_for(pool: Pool, path: str, query: Mapping[str, str], now: datetime) -> datetime:
    """Settle what the page under an address tells as known; returns the moment at which it is to be read.
    Raises NotSettled.
    """
    match path.strip("/").split("/"):
        case ["replay"]:
            asked_for = moment_of(query, now)
            if isinstance(asked_for, ReplayMoment) and asked_for.known_at is not None:
                await settle(pool, asked_for.known_at)
            return now
        case ["stories", _]:
            return await settle_at_most(pool, now)
        case _:
            return now


async def _replay(
    conn: Conn,
    more: list[str],
    query: Mapping[str, str],
    now: datetime,
    settings: DashboardSettings,
    runs: ReevaluationRuns | None,
    tag: list[Component],
) -> Component | None:
    """A moment; or what other rules would have decided."""
    match more:
        case []:
            asked_for = moment_of(query, now)
            if not isinstance(asked_for, ReplayMoment):
                return replay_page(query, asked_for)
            told = await status_at(conn, asked_for.at, asked_for.known_at, settings.sweep_every)
            return replay_page(query, told)
        case ["rules"] if runs is not None:
            found = await read_reevaluation_page(conn, runs, query)
            return reevaluation_page(found, query, acting(), tag)
        case _:
            return None


async def _operations(
    conn: Conn,
    which: str,
    query: Mapping[str, str],
    now: datetime,
    settings: DashboardSettings,
    process: ThisProcess | None,
    tag: list[Component],
) -> Component:
    """How well the watch goes; or what another one would take."""
    if which == "plan":
        return plan_page(query, await watch_sizes(conn, LISTS), settings.sweep_every, tag)
    facts = await read_health(conn, now, settings.sweep_every)
    return health_page(facts, process, acting(), settings.late_after, tag)


async def _alerts(
    conn: Conn, more: list[str], now: datetime, query: Mapping[str, str], tag: list[Component]
) -> Component | None:
    """What waits; or what was decided in one way; or the mails that are asked for."""
    match more:
        case []:
            return alerts_page(await read_alerts(conn, now), acting(), now, tag)
        case ["deliveries"]:
            return await deliveries_of(conn, query, acting(), now, tag)
        case ["decisions", name] if name in list(AlertDecision):
            chosen = AlertDecision(name)
            return decisions_page(await decided_lately(conn, chosen, DECISIONS), chosen, tag)
        case _:
            return None


async def _account(
    conn: Conn,
    account_id: int,
    now: datetime,
    settings: DashboardSettings,
    theme: Theme,
    tag: list[Component],
    query: Mapping[str, str],
) -> Component | None:
    account = await account_detail(conn, account_id, now, settings.gap_after)
    if account is None:
        return None
    since = account.spells[0].since if account.spells else now
    figure = account_figure(
        Platform(account.platform),
        account.spells,
        account.changes,
        account.seen,
        TimelineOverlay(await orders(conn, known_at=now), await signals(conn, since, ())),
        now,
        settings.gap_after,
        theme,
    )
    known = await read_account_context(conn, account, now, settings.gap_after)
    stretch = readings_range(query, now)
    looks = await read_readings(conn, account_id, stretch) if isinstance(stretch, ReadingsRange) else stretch
    beside = (
        notes_card(account_id, await notes_of(conn, account_id), acting()),
        readings_card(account, looks, now),
    )
    drawn = graph(figure, "account-figure", "Timeline of the account")
    return account_page(account, known, drawn, now, settings.gap_after, tag, beside)


async def _mail(
    conn: Conn, name: str | None, query: Mapping[str, str], now: datetime, tag: list[Component]
) -> Component | None:
    """The mail of that number or Message-ID, else the newest of those that are asked for; None when there is
    none of that name.
    """
    chosen = chosen_of(query)
    lines = [d.mail for d in await deliveries(conn, wanted(chosen, now), LIMIT + 1)]
    if name is None:
        number = lines[0].mail_id if lines else None
    else:
        number = (
            int(name)
            if name.isdecimal() and len(name) <= LONGEST_NUMBER
            else await mail_with(conn, unquote(name))
        )
    opened = None if number is None else await mail(conn, number)
    if opened is None:
        return None if name is not None else mail_page(lines, chosen, None, None, acting(), tag)
    return mail_page(lines, chosen, opened, await thread_of(conn, opened.mail_id), acting(), tag)


async def _countries(
    conn: Conn, more: list[str], now: datetime, theme: Theme, tag: list[Component]
) -> Component | None:
    """All countries; or one, by its code, a standing and the number of a page. None when there is none."""
    if not more:
        return countries_page(await by_country(conn), await published_by_country(conn), now, tag)
    if more[1:] == ["published"]:
        return await published_page(conn, more[0], now, theme, tag)
    code, *more = more
    name, number = [*more, *(EVERY, "1")[len(more) :]]
    count = next((c for c in await by_country(conn) if c.country == code), None)
    known = name == EVERY or name in list(CountryStatus)
    if count is None or not known or not (number.isdecimal() and len(number) <= LONGEST_NUMBER):
        return None
    standing = None if name == EVERY else CountryStatus(name)
    offset = (int(number) - 1) * PAGE
    if not 0 <= offset < max(1, shown_of(count, standing)):
        return None
    accounts = await country_accounts(conn, code, standing, PAGE, offset)
    return country_page(count, accounts, standing, int(number), now, tag)
