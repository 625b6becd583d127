"""Every question to coverage that has a time: asked before and after months are archived."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

from storage.accounts import paged_accounts, posts
from storage.changes.evidence_pack import material
from storage.changes.load_watched import load_watched
from storage.countries import countries, country_report, published_report, vantage_requests
from storage.export.exports import EXPORTS
from storage.health import (
    canaries_report,
    collectors_report,
    condition_facts,
    database_report,
    metrics,
    planner_report,
    silence_report,
    status,
    status_at,
)
from storage.live import (
    account_detail,
    account_listings,
    accounts_table,
    board_accounts,
    first_readings,
    kpis,
    snapshot,
)
from storage.model.bitemporal.read_runs import UsualPace
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.country_scope import EVERY_COUNTRY
from storage.model.core.coverage import Gap
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.orders import report_sources
from storage.postgres.pool import Conn
from storage.readings import (
    coverage,
    coverage_report,
    last_reading,
    lateness_report,
    missed_report,
    rates_report,
    readings,
)
from storage.replay import account_inputs, film_reads
from storage.replay import readings as replay_readings
from tests.support.seeds.every_page import PAGES
from tests.support.servers.dashboard import SETTINGS, page_of

Question = Callable[[Conn], Awaitable[object]]

SWEEP, GAP_AFTER = timedelta(minutes=30), timedelta(hours=1)
AGO = tuple(map(timedelta, (0, 0.6, 4, 31)))


async def _listed(conn: Conn, *asked: Any) -> list[int]:
    return (await account_listings.list_accounts(conn, *asked)).tolist()


async def questions(
    conn: Conn, now: datetime, ago: Sequence[timedelta] = AGO, *, accounts: int
) -> Mapping[str, Question]:
    """The questions, by what they are called: about these times and about so many single accounts."""
    ids = [r[0] for r in await conn.fetch("select account_id from account order by 1")]
    some = ids[:: max(1, len(ids) // accounts)]
    changes = [r[0] for r in await conn.fetch("select change_id from change order by 1")]
    times = [now - one for one in ago]
    found: dict[str, Question] = {}

    def ask(name: str, question: Callable[..., Awaitable[object]], *args: object, **named: object) -> None:
        found[f"{name} {args} {named}"] = lambda conn: question(conn, *args, **named)

    for platform in Platform:
        ask("last attempts", coverage.last_attempts, platform)
        ask("last readings", coverage.last_readings, platform)
        ask("held since", coverage.held_since, platform)
        ask("newest answer", coverage.newest_answer, platform)
        ask("newest observation", coverage.newest_observation, platform)
        ask("watched", load_watched, platform)
    ask("span", account_inputs.span)
    ask("weeks", film_reads.weeks)
    ask("silent countries", collectors_report.silent_countries)
    ask("countries", countries.by_country)
    ask("country", country_report.country_accounts, "IN", None, 100, 0)
    ask("everything live", snapshot.snapshot, None, now, GAP_AFTER)
    ask("first run", first_readings.is_first_run)
    newest_first = [account_listings.ListingSort(account_listings.ListingColumn.LAST, descending=True)]
    for at in times:
        ask("late", lateness_report.lateness, at, SWEEP)
        ask("late accounts", lateness_report.late_accounts, at, SWEEP)
        ask("late accounts of days", lateness_report.late_accounts, at, timedelta(days=9))
        ask("rates", rates_report.rates, at)
        ask("looked", metrics.looked, at)
        ask("freshness", metrics.freshness, at)
        ask("growth", database_report.growth, at)
        ask("read for", planner_report.read_for, at)
        ask("paces", planner_report.list_paces, at, SWEEP)
        ask("controls", canaries_report.controls, at)
        ask("collectors", collectors_report.collector_reports, at)
        ask("status", status.overview, at, SWEEP)
        ask("kpis", kpis.kpis, at, SWEEP)
        read_after = at - 2 * SWEEP
        ask("counted", account_listings.count_accounts, accounts_table.AccountScope.ALL, at, read_after)
        for late in (False, True):
            wanted = account_listings.ListingFilter(accounts_table.AccountScope.ALL, late=late)
            ask("listed", _listed, wanted, newest_first, at, read_after)
        ask("first readings", first_readings.first_readings, at)
        ask("last confirmed", last_reading.last_confirmed, ids, at)
        ask("published", published_report.claimed, "IN", at)
        ask("posts", posts._posts, ids, at)
        ask("accounts", paged_accounts.accounts_page, paged_accounts.AccountFilter(), at, 0, 500)
        for known in {at, now}:
            ask("status at", status_at.status_at, at, known, SWEEP)
            ask("states", paged_accounts.states_page, paged_accounts.StateFilter(), at, known, 0, 500)
            ask("checked at", board_accounts.checked_at, ids, at, known, GAP_AFTER)
    for until, since in product(times, times):
        if since < until:
            ask("was read", coverage.was_read, since, until)
            ask("answers", last_reading.answers, since, until)
            ask("snapshot", snapshot.snapshot, since, until, GAP_AFTER)
            ask("live", coverage_report.live_coverage, since, until, GAP_AFTER)
            ask("watched coverage", coverage_report.watched_coverage, since, until, GAP_AFTER)
            ask("requests", coverage_report.requests_since, since, until)
            ask("vantages", vantage_requests.vantage_requests, "TR", since, until)
            ask("sweeps", report_sources._sweeps, ids, since, until, None)
            ask("film", film_reads.film_reads, (since, until), until, UsualPace(SWEEP, SWEEP))
            ask("looks", film_reads.looks_since, since, until)
            ask("roster readings", replay_readings.answered, since, until)
            ask("coverage by platform", condition_facts.platform_coverage, until, since)
            begins = dict.fromkeys(Platform, since)
            ask("silences", silence_report.silences, begins, until, GAP_AFTER)
            for account_id in some:
                silences = [Gap(since, until)]
                ask("readings", readings.readings_of, account_id, since, until)
                ask("readings known", readings.readings_of, account_id, since, until, until)
                ask("attempts", readings.attempts_of, account_id, since, until)
                ask("gaps", coverage_report.seen_of, [account_id], since, until, GAP_AFTER, until)
                ask("misses", missed_report.misses, account_id, silences, now, GAP_AFTER)
                ask("slow", missed_report.slow_answers, account_id, silences)
                ask("before", replay_readings.before, AccountId(account_id), since, until, EVERY_COUNTRY)
    for account_id in some:
        ask("account", account_detail.account_detail, account_id, now, GAP_AFTER)
        ask("unheard", missed_report.unheard, account_id, now)
        ask("past", accounts_table.past_of, [account_id], now - timedelta(days=20), now, GAP_AFTER)
    for change_id in changes[:: max(1, len(changes) // accounts)]:
        ask("pack", material, change_id)
    return found


def pages(numbers: Mapping[str, object], now: datetime) -> Mapping[str, Question]:
    """Every page of the dashboard, and what it draws."""

    async def drawn(path: str, conn: Conn) -> object:
        address, _, query = path.format(**numbers).partition("?")
        parts = dict(part.split("=", 1) for part in query.split("&") if part)
        component = await page_of(conn, address, now, SETTINGS, "light", parts)
        return repr(component.to_plotly_json())

    # Those show the audit log, and the size of the database.
    return {name: partial(drawn, path) for name, path in PAGES.items() if name not in {"alerts", "health"}}


def exports(now: datetime) -> Mapping[str, Question]:
    """Every kind of export, of all and of some time: how many rows, and their hash."""

    async def exported(kind: Kind, wanted: ExportFilter, conn: Conn) -> object:
        rows, seen, digest = await EXPORTS[kind].rows(conn, wanted), 0, hashlib.sha256()
        async for chunk in rows.chunks:
            digest.update("".join(map(repr, chunk)).encode())
            seen += len(chunk)
        return seen, digest.hexdigest()

    found: dict[str, Question] = {}
    for kind in Kind:
        found[kind] = partial(exported, kind, ExportFilter(now=now))
        if EXPORTS[kind].time is not None:
            part = ExportFilter(now=now, since=now - timedelta(days=9), until=now - timedelta(days=1))
            found[f"{kind} of some days"] = partial(exported, kind, part)
    return found
