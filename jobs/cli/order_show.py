"""The command that tells how far an order was followed, as the dashboard and the report tell it."""

from typing import Annotated

import typer

from dashboard.asgi.settings import GAP_IN_SWEEPS
from dashboard.orders.facts import OrderFigures, read_order
from dashboard.orders.order_json import order_json
from dashboard.orders.restoration import restoration_json, restoration_of
from dashboard.orders.words import claim_words, kind, sentences, verdict_words
from dashboard.ui.words import range_words
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.output import show, show_json
from jobs.cli.database import with_conn
from jobs.cli.options import AsJson, AsKnownAt, AtMoment, ConfigFile, moments_past
from jobs.cli.orders import Reference
from jobs.config.settings import load_settings
from storage.model.text.states import clean
from storage.orders.orders import orders
from storage.postgres.pool import Conn


def register(commands: typer.Typer) -> None:
    """Add the command to those about orders."""
    commands.command("show")(orders_show)


def orders_show(
    reference: Reference,
    *,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    restoration: Annotated[
        bool, typer.Option("--restoration", help="Also how long it took until accounts came back.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """How far an order was followed: what was blocked, when, what came back, and how claims stand."""
    now = system_clock()
    then, known = moments_past(at, as_known_at, now)
    settings = load_settings(config)

    async def read(conn: Conn) -> OrderFigures:
        order_id = next((o.order_id for o in await orders(conn, known) if o.reference == reference), None)
        gap_after = settings.sweep_every * GAP_IN_SWEEPS
        found = None if order_id is None else await read_order(conn, order_id, then, gap_after, known)
        if found is None:
            raise CommandError(f"There is no order with the reference {clean(reference, 120)}.")
        return found

    found = with_conn(settings, read)
    told = restoration_of(found) if restoration else None
    if as_json:
        more = {} if told is None else {"restoration": restoration_json(found, told)}
        show_json({**order_json(found), **more})
        return
    for sentence in sentences(found):
        show(sentence)
    for share in found.shares:
        stale = f", {share.stale:,} only when last known" if share.stale else ""
        show(f"  {share.accounts:>7,}  {kind(share.kind, found.order.country)}{stale}")
    for claim in found.claims:
        seen = range_words(claim.low, claim.high)
        show(f"Claimed: {claim_words(claim.claim)}. Observed: {seen}. {verdict_words(claim)}")
    for sentence in told.sentences if told is not None else ():
        show(sentence)
