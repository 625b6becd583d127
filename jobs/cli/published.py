"""The command `published`: published figures of demands beside what was observed."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table

from dashboard.countries import published_words
from dashboard.countries.published_json import claimed_json
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import show, show_json
from jobs.cli.command import AsJson, ConfigFile, examples
from jobs.config.database import database, ready
from jobs.config.settings import Settings, load_settings
from storage.countries.published_report import claimed, published_by_country
from storage.model.orders.published_vs_observed import FIGURES, Claimed
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import open_pool, transaction


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command("published", epilog=examples("blockline published IN"))(published_command)


def published_command(
    code: Annotated[str, typer.Argument(metavar="COUNTRY", help="Country code of two letters, such as IN.")],
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The figures are imported with `blockline import`. Do not add figures of different sources together."""
    settings, now = load_settings(config), system_clock()
    with database(settings) as dsn:
        found, known = run(lambda: _read(settings, dsn, code.upper()))
    if not found:
        stored = f"Figures are stored for: {', '.join(known)}." if known else "No figures are stored."
        raise CommandError(f"There is no published or observed data for {clean(code)}. {stored}")
    if as_json:
        show_json(claimed_json(code.upper(), found, now))
        return
    show(_table(found, code.upper()))
    for sentence in _sentences(found, code.upper()):
        show(sentence)


async def _read(settings: Settings, dsn: str, code: str) -> tuple[tuple[Claimed, ...], list[str]]:
    """Read the figures of a country, and the codes of all countries with stored figures."""
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return await claimed(conn, code, system_clock()), sorted(await published_by_country(conn))


def _sentences(found: tuple[Claimed, ...], code: str) -> Iterator[str]:
    unseen: list[str] = []
    for one in found:
        when = f"{one.half.name}, {PLATFORM_NAME[one.platform]}"
        yield from (f"{when}: {line}" for line in published_words.disagreement_lines(one))
        if one.own is None and one.recorded is None:
            unseen.append(when)
            continue
        for said in published_words.observer_summaries(one, code):
            yield f"{when}, {said.who}: {said.head}. {' '.join(said.lines)}"
    if unseen:
        yield f"{published_words.NOT_OBSERVED}, because Blockline read no accounts: {'; '.join(unseen)}."
    yield published_words.WHAT_IT_DOES_NOT_SAY


def _table(found: tuple[Claimed, ...], code: str) -> Table:
    names = ("demands", "accounts_specified", "accounts_withheld", "tweets_withheld", "accounts_tos")
    table = Table(title=f"{country_name(code)}: published figures of demands", title_justify="left")
    for title in ("Half-year", "Platform", "Source"):
        table.add_column(title)
    for title in ("Demands", "Specified", "Withheld", "Posts withheld", "Under own rules"):
        table.add_column(title, justify="right")
    for one in found:
        for report in one.published:
            values = [FIGURES[name](report) for name in names]
            table.add_row(
                one.half.name,
                PLATFORM_NAME[one.platform],
                clean(report.source),
                *["–" if v is None else f"{v:,}" for v in values],
            )
    return table
