"""The pages of incidents: the list, and one incident with its form."""

from functools import partial

from dashboard.asgi.incident_explainer import IncidentExplainer
from dashboard.asgi.process import WebProcess
from dashboard.incidents.callbacks import connect_incident_page
from dashboard.incidents.incident_page import incident_page, read_incident
from dashboard.incidents.incidents_page import (
    MOST_INCIDENTS,
    IncidentList,
    Shown,
    filter_of,
    incidents_page,
)
from dashboard.incidents.rules_page import RULES, rules_page
from dashboard.ui.pages import Drawing, Feature, Page, PageCallbacks, PageRequest, Place
from storage.alerts.incidents import incident_lines
from storage.model.text.states import clean


def incidents(process: WebProcess, explainer: IncidentExplainer) -> Feature:
    """`explainer` tries the rules on the groups of an incident."""

    def connect(app: PageCallbacks) -> None:
        connect_incident_page(process, app)

    page = Page(
        path="incidents",
        title="Incidents",
        help="how-to/incidents",
        read=partial(_incidents, explainer),
        place=Place.NOWHERE,
        under="alerts",
        icon="alerts",
        callbacks=connect,
    )
    return Feature(pages=(page,))


async def _incidents(explainer: IncidentExplainer, asked: PageRequest) -> Drawing | None:
    """A list of incidents, or one of them by its key; None when there is none."""
    conn, actor, now, tag = asked.conn, asked.actor, asked.now, asked.tag
    match list(asked.more):
        case []:
            named = asked.query.get("show", "")
            shown = Shown(named) if named in list(Shown) else Shown.OPEN
            wanted = filter_of(shown, actor)
            lines = [] if wanted is None else await incident_lines(conn, wanted, MOST_INCIDENTS + 1)
            return partial(incidents_page, IncidentList(shown, lines), actor, now, tag)
        case [key]:
            found = await read_incident(conn, key)
            return None if found is None else partial(incident_page, found, actor, now, tag)
        case [key, part] if part == RULES:
            found = await read_incident(conn, key)
            if found is None:
                return None
            subject = clean(found.line.subject or key[:12], 80)
            return partial(rules_page, key, subject, await explainer.explain_incident(conn, key), tag)
        case _:
            return None
