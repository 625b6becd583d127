"""The Accounts page and the page of one account: what is read for them, and their routes."""

from functools import partial

from dash.development.base_component import Component

from dashboard.accounts.account_chart import TimelineOverlay, account_figure
from dashboard.accounts.account_context import read_account_context
from dashboard.accounts.account_context_cards import account_causes_card
from dashboard.accounts.account_links_card import links_card
from dashboard.accounts.account_notes import notes_card
from dashboard.accounts.account_page import account_page, status_known_until
from dashboard.accounts.account_readings import ReadingsRange, read_readings, readings_range
from dashboard.accounts.account_readings_page import readings_card
from dashboard.accounts.account_routes import account_routes
from dashboard.accounts.add_page import ADD, add_page, connect_add_page
from dashboard.accounts.answer_page import EVIDENCE, answer_page, read_answer_of
from dashboard.accounts.bulk_edits import account_edit_routes
from dashboard.accounts.list_page import connect_list_page, list_page
from dashboard.accounts.lists_page import connect_lists_page, lists_page
from dashboard.accounts.purge_page import PURGE, PURGE_ROLE, connect_purge_page, purge_page
from dashboard.accounts.table_page import accounts_page
from dashboard.accounts.table_routes import AccountListings, account_list_routes
from dashboard.accounts.threshold_trials import ThresholdTrials
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.names.table import read_check
from dashboard.ui.chart_style import graph
from dashboard.ui.figures import FigureReader
from dashboard.ui.pages import (
    Drawing,
    Feature,
    Page,
    PageAction,
    PageCallbacks,
    PageRequest,
    Place,
    number_in,
)
from storage.accounts.notes import notes_of
from storage.accounts.watch_lists import all_lists, list_row
from storage.alerts.mutes import mute_lines
from storage.causes.cause_documents import document_names
from storage.causes.ledger import causes_of_accounts
from storage.live.account_detail import account_detail
from storage.live.account_links import account_links
from storage.live.lists_and_executives import lists, signals
from storage.model.core.accounts import Platform
from storage.model.core.people import Role
from storage.orders.orders import orders_of_account
from storage.purge.deliberate_purge import purge_subject
from storage.readings.evidence import EvidenceSide


def accounts(process: WebProcess, trials: ThresholdTrials, figures: FigureReader) -> Feature:
    """`trials` tries thresholds on what is stored, and `figures` finds the accounts behind a number."""
    pool, clock, settings = process.pool, process.clock, process.settings
    return Feature(
        pages=(
            Page(
                path="accounts",
                title="Accounts",
                help="how-to/accounts",
                read=_accounts,
                place=Place.HEADER,
                icon="accounts",
                actions=(
                    PageAction("Add accounts", "/accounts/add", ADD),
                    PageAction("Add accounts {name}", "/accounts/add?names={name}", ADD),
                    PageAction("Lists of accounts", "/accounts/lists", Role.VIEWER),
                ),
                callbacks=partial(_connect, process, trials),
            ),
            Page(
                path="account",
                title="Account",
                help="how-to/accounts",
                read=_account,
                place=Place.NOWHERE,
                callbacks=partial(connect_purge_page, process),
            ),
        ),
        routers=(
            account_list_routes(AccountListings(pool, clock, settings, figures)),
            account_routes(pool, clock),
            account_edit_routes(pool, clock),
        ),
    )


def _connect(process: WebProcess, trials: ThresholdTrials, app: PageCallbacks) -> None:
    connect_add_page(process, app)
    connect_lists_page(process, app)
    connect_list_page(process, trials, app)


async def _accounts(asked: PageRequest) -> Drawing | None:
    match asked.more:
        case []:
            return partial(accounts_page, asked.actor, asked.tag)
        case ["lists"]:
            rows = await all_lists(asked.conn)
            archived = asked.query.get("archived") == "yes"
            return partial(lists_page, rows, asked.actor, asked.tag, archived=archived)
        case ["lists", text] if (list_id := number_in(text)) is not None:
            row = await list_row(asked.conn, list_id)
            return None if row is None else partial(list_page, row, asked.actor, asked.tag)
        case ["add"]:
            shown = None
        case ["add", text] if (check_id := number_in(text)) is not None:
            shown = await read_check(asked.conn, check_id)
            if shown is None:
                return None
        case _:
            return None
    access.require(asked.actor, ADD)
    names = [one.name for one in await lists(asked.conn) if not one.is_archived]
    return partial(add_page, shown, names, asked.tag, asked.query.get("names", ""))


async def _account(asked: PageRequest) -> Drawing | None:
    """The page of an account, of one of its answers, or the one that purges it; None when there is none.
    Raises Forbidden.
    """
    if len(asked.more) == 2 and asked.more[1] == PURGE:
        access.require(asked.actor, PURGE_ROLE)
        numbered = number_in(asked.more[0])
        subject = None if numbered is None else await purge_subject(asked.conn, numbered)
        return None if subject is None else partial(purge_page, subject, asked.tag)
    match asked.more:
        case [text, part, change, side] if part == EVIDENCE and side in list(EvidenceSide):
            one, change_id = number_in(text), number_in(change)
            if one is None or change_id is None:
                return None
            stored = await read_answer_of(asked.conn, one, change_id, side)
            return None if stored is None else partial(answer_page, stored, asked.tag)
        case _:
            pass
    account_id = number_in(asked.more[0]) if len(asked.more) == 1 else None
    if account_id is None:
        return None
    conn, now, gap_after = asked.conn, asked.now, asked.settings.gap_after
    account = await account_detail(conn, account_id, now, gap_after)
    if account is None:
        return None
    known = await read_account_context(conn, account, now, gap_after)
    since = account.spells[0].since if account.spells else now
    named_by = await orders_of_account(conn, account_id, now)
    overlay = TimelineOverlay(named_by, await signals(conn, since, ()))
    stretch = readings_range(asked.query, now)
    looks = await read_readings(conn, account_id, stretch) if isinstance(stretch, ReadingsRange) else stretch
    notes = await notes_of(conn, account_id)
    stated = (await causes_of_accounts(conn, [account_id])).get(account_id, [])
    documents = await document_names(conn, [c.document for c in stated if c.document is not None])
    links, muted = await account_links(conn, account_id), await mute_lines(conn, now)
    on_lists = {m.order_id for m in links.memberships}
    naming = [o for o in named_by if o.order_id in on_lists]

    def draw() -> Component:
        timeline = account_figure(
            Platform(account.platform),
            account.spells,
            account.changes,
            account.seen,
            overlay,
            now,
            status_known_until(account, known, now, gap_after),
            asked.theme,
        )
        drawn = graph(timeline.figure, "account-figure", f"Timeline of the {account.noun}")
        may_pack = asked.actor.role.includes(access.PACK_EVIDENCE)
        beside = (
            account_causes_card(account, stated, documents, naming, asked.actor),
            notes_card(account_id, notes, asked.actor),
            readings_card(account, looks, now, may_pack=may_pack),
        )
        return account_page(
            account,
            known,
            drawn,
            timeline.joined,
            now,
            gap_after,
            asked.tag,
            links_card(account_id, links, muted, asked.actor, now, account.noun),
            beside,
            may_pack=may_pack,
            may_purge=asked.actor.role.includes(PURGE_ROLE),
        )

    return draw
