"""How everything stood at a moment of the past, for a program (`as_json`) and for a reader (`as_text`)."""

from rich.console import Group, RenderableType
from rich.table import Table

from jobs.base.output import moment
from jobs.status.report import stand_facts, stand_json, states_table
from storage.health.status_at import PastStatus
from storage.model.core.availability import EVERYWHERE
from storage.model.text.states import clean


def as_json(stand: PastStatus) -> dict[str, object]:
    """One object with the keys that `status` has of any moment, and the lists."""
    told = stand_json(stand)
    told["blocked"] = told.pop("blocked_now")
    return {
        **told,
        "as_known_at": None if stand.known_at is None else stand.known_at.isoformat(),
        "countries": [
            {"country": c.country, "withheld": c.accounts, "last_known_only": c.late} for c in stand.countries
        ],
        "lists": [
            {
                "list": one.name,
                "order": one.order,
                "accounts": one.accounts,
                "withheld": one.withheld,
                "suspended": one.suspended,
                "last_known_only": one.blocked_late,
                "late": one.late,
                "unconfirmed": one.unconfirmed,
            }
            for one in stand.lists
        ],
    }


def as_text(stand: PastStatus) -> RenderableType:
    """Tables for a terminal."""
    facts = Table.grid(padding=(0, 2))
    for name, said in stand_facts(stand):
        facts.add_row("Blocked then" if name == "Blocked now" else name, said)
        if name == "At":
            known = (
                "what is known now" if stand.known_at is None else f"what was known {moment(stand.known_at)}"
            )
            facts.add_row("Told from", known)
    parts: list[RenderableType] = [facts]
    if stand.watched:
        parts += ["", states_table(stand)]
    if stand.countries:
        parts += ["", _countries(stand)]
    if stand.lists:
        parts += ["", _lists(stand)]
    return Group(*parts)


def _countries(stand: PastStatus) -> Table:
    table = Table("Country", "Withheld", "Of them late", title="Withheld by country", title_justify="left")
    for c in stand.countries:
        name = "everywhere" if c.country == EVERYWHERE else clean(c.country, 8)
        table.add_row(name, f"{c.accounts:,}", f"{c.late:,}")
    return table


def _lists(stand: PastStatus) -> Table:
    columns = ("List", "Accounts", "Withheld", "Suspended", "Of them late", "Nothing confirmed", "Late")
    table = Table(*columns, title="By list", title_justify="left")
    for one in stand.lists:
        counts = one.accounts, one.withheld, one.suspended, one.blocked_late, one.unconfirmed, one.late
        table.add_row(clean(one.name), *[f"{n:,}" for n in counts])
    return table
