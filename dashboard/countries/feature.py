"""The Countries pages: what is read for them, and the published figures as JSON."""

from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.countries.countries_page import EVERY, countries_page
from dashboard.countries.country_page import PAGE, country_page, shown_of
from dashboard.countries.labels_page import (
    label_summary,
    read_label_report,
    read_labels,
)
from dashboard.countries.labels_table import connect_labels_page
from dashboard.countries.network_page import VANTAGES_SHOWN, network_page, network_summary, read_network
from dashboard.countries.published_json import claimed_routes
from dashboard.countries.published_page import read_published
from dashboard.ui.pages import Drawing, Feature, Page, PageRequest, number_in
from storage.countries.countries import CountryCount, by_country
from storage.countries.country_report import CountryStatus, country_accounts
from storage.countries.label_census import labelers
from storage.countries.measured_networks import network_reads
from storage.countries.published_report import published_by_country
from storage.countries.vantage_requests import vantage_requests
from storage.model.text.countries import official_names
from storage.postgres.pool import Conn


def countries(process: WebProcess) -> Feature:
    return Feature(
        pages=(
            Page(
                path="countries",
                title="Countries",
                help="how-to/published",
                read=_countries,
                icon="globe",
                callbacks=partial(connect_labels_page, process),
            ),
        ),
        routers=(claimed_routes(process.pool, process.clock),),
    )


async def _countries(asked: PageRequest) -> Drawing | None:
    """All countries; or one, by its code, a status and the number of a page. None if it does not exist."""
    conn, now, tag = asked.conn, asked.now, asked.tag
    match asked.more:
        case []:
            counts, published = await by_country(conn), await published_by_country(conn)
            labeled = {one.country for one in await labelers(conn)}
            return partial(countries_page, counts, published, labeled, now, tag)
        case [code, "published"]:
            return await read_published(conn, code, now, asked.theme, tag)
        case [code, "network"] if code in official_names():
            count = await _count_of(conn, code)
            report = await read_network(conn, code, now)
            vantages = await vantage_requests(conn, code, now - VANTAGES_SHOWN, now)
            return partial(network_page, report, vantages, count, code, now, asked.theme, tag)
        case [code, "labels"]:
            count = await _count_of(conn, code)
            return await read_labels(asked, code, count)
        case [code, *rest] if len(rest) <= 2:
            name, number = [*rest, *(EVERY, "1")[len(rest) :]]
        case _:
            return None
    count = await _count_of(conn, code)
    known, page = name == EVERY or name in list(CountryStatus), number_in(number)
    if count is None or not known or page is None:
        return None
    status = None if name == EVERY else CountryStatus(name)
    offset = (page - 1) * PAGE
    if not 0 <= offset < max(1, shown_of(count, status)):
        return None
    accounts = await country_accounts(conn, code, status, PAGE, offset)
    network, labels = await read_network(conn, code, now), await read_label_report(conn, code, now)
    above = [
        *([] if network is None else [network_summary(network, now)]),
        *([] if labels is None else [label_summary(labels)]),
    ]
    return partial(country_page, count, accounts, status, page, now, tag, above)


async def _count_of(conn: Conn, code: str) -> CountryCount | None:
    """The counts of a country. All are zero if nothing but its labelers or networks is known; None if nothing
    is.
    """
    count = next((c for c in await by_country(conn) if c.country == code), None)
    if count is None and (await labelers(conn, code) or await network_reads(conn, [code])):
        return CountryCount(code, 0, 0, 0, 0, None, None)
    return count
