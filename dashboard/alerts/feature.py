"""The Alerts and Mail pages: what is read for them, and their routes."""

from functools import partial
from urllib.parse import unquote

from dashboard.alerts.deliveries import chosen_of, read_deliveries, wanted
from dashboard.alerts.facts import DECISIONS, read_alerts
from dashboard.alerts.mail_link_pages import mail_link_routes
from dashboard.alerts.mails import LIMIT, mail_page
from dashboard.alerts.page import alerts_page, decisions_page
from dashboard.alerts.routes import alert_routes
from dashboard.alerts.rule_callbacks import connect_rule_page
from dashboard.alerts.rule_page import NEW, read_rule_page, rule_page
from dashboard.alerts.rule_trials import RuleTrials
from dashboard.asgi.process import WebProcess
from dashboard.auth import access
from dashboard.ui.pages import Drawing, Feature, Page, PageAction, PageRequest, Place, number_in
from storage.alerts.decisions_report import decided_lately
from storage.alerts.deliveries_report import deliveries
from storage.alerts.mails_report import mail, mail_with
from storage.alerts.threads_report import thread_of
from storage.model.alerts.alerts import AlertDecision


def alerts(process: WebProcess, trials: RuleTrials) -> Feature:
    """`trials` tries rules on what is stored."""
    page = Page(
        path="alerts",
        title="Alerts",
        help="how-to/alerts",
        read=_alerts,
        place=Place.HEADER,
        icon="alerts",
        counter="waiting",
        actions=(
            PageAction("Mute list {name}", "/alerts?mute={name}#mute", access.MUTE, of_lists=True),
            PageAction("Mute an account or a list", "/alerts#mute", access.MUTE),
            PageAction("New alert rule", "/alerts/rules/new", access.RULES),
            PageAction("Plan maintenance", "/alerts#mute", access.MAINTENANCE),
        ),
        callbacks=partial(connect_rule_page, process, trials),
    )
    return Feature(
        pages=(page,),
        routers=(alert_routes(process.pool, process.clock), mail_link_routes(process.pool, process.clock)),
    )


def mails(_: WebProcess) -> Feature:
    return Feature(
        pages=(Page(path="mail", title="Mail", help="explanation/delivery", read=_mail, icon="mail"),)
    )


async def _alerts(asked: PageRequest) -> Drawing | None:
    """What waits; or what was decided in one way; or the mails that are asked for."""
    conn, now, tag = asked.conn, asked.now, asked.tag
    match asked.more:
        case []:
            return partial(
                alerts_page,
                await read_alerts(conn, now),
                asked.actor,
                now,
                tag,
                muted=asked.query.get("mute", ""),
            )
        case ["deliveries"]:
            return await read_deliveries(conn, asked.query, asked.actor, now, tag)
        case ["decisions", name] if name in list(AlertDecision):
            chosen = AlertDecision(name)
            decided = await decided_lately(conn, chosen, DECISIONS)
            return partial(decisions_page, decided, chosen, tag)
        case ["rules", one] if one == NEW:
            access.require(asked.actor, access.RULES)
            copied = number_in(asked.query.get("copy", ""))
            found = await read_rule_page(conn, None, copied)
        case ["rules", one] if (rule_id := number_in(one)) is not None:
            found = await read_rule_page(conn, rule_id)
        case _:
            return None
    return None if found is None else partial(rule_page, found, asked.actor, tag)


async def _mail(asked: PageRequest) -> Drawing | None:
    """The mail of that number or Message-ID, else the newest of those that are asked for; None when there is
    none of that name.
    """
    if len(asked.more) > 1:
        return None
    conn, actor, tag = asked.conn, asked.actor, asked.tag
    chosen = chosen_of(asked.query)
    lines = [d.mail for d in await deliveries(conn, wanted(chosen, asked.now), LIMIT + 1)]
    if not asked.more:
        number = lines[0].mail_id if lines else None
    elif (number := number_in(asked.more[0])) is None:
        number = await mail_with(conn, unquote(asked.more[0]))
    opened = None if number is None else await mail(conn, number)
    if opened is None:
        return None if asked.more else partial(mail_page, lines, chosen, None, None, actor, tag)
    thread = await thread_of(conn, opened.mail_id)
    return partial(mail_page, lines, chosen, opened, thread, actor, tag)
