"""The command `report` about an order, as HTML or PDF, and the commands about written stories."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dashboard.asgi.security_headers import proxied_origin
from dashboard.orders.report import OrderReport, read_report
from dashboard.orders.report_html import Imprint
from dashboard.stories.content import story_content
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.standalone_html import story_html
from dashboard.stories.story_json import head_json, story_json
from dashboard.stories.words import VIEW_NAME
from jobs.base.atomic_files import refuse_taken, whole_file
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import OutputTable, moment, show, show_json
from jobs.base.pdf import PdfError, find_chromium, pdf_of
from jobs.cli.command import (
    AsJson,
    AsKnownAt,
    AtMoment,
    ConfigFile,
    examples,
    moment_past,
    moments_past,
    renamed,
)
from jobs.config.database import database, read_dsn, ready, with_conn, with_pool
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from storage.model.evidence.packs import made_by
from storage.model.stories.stories import StoryFault, WrittenStory
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount
from storage.orders.orders import orders
from storage.postgres.pool import Conn, Pool, open_pool
from storage.postgres.recording_order import settle_at_most
from storage.postgres.replica import snapshot, with_replica
from storage.stories.stories import all_stories

HTML, PDF = ".html", ".pdf"
Number = Annotated[
    int, typer.Argument(metavar="N", help="Number of the story, as in its address.", min=1, max=2**53)
]

stories = typer.Typer(no_args_is_help=True, epilog=examples("blockline stories list"))


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command(
        "report",
        cls=renamed(out="output"),
        epilog=examples("blockline report REF1", "blockline report REF1 --output report.pdf"),
    )(report_command)
    cli.add_typer(stories, name="stories")


def report_command(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Reference or number of the order.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="New .html or .pdf file to write.", show_default="report-….html"
        ),
    ] = None,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    config: ConfigFile = None,
) -> None:
    """The report shows compliance with the order: figures, tables, methods and coverage. It is one file that
    needs nothing else. A PDF needs Chromium.
    """
    now = command_clock()
    then, known = moments_past(at, as_known_at, now)
    settings = load_settings(config)
    suffix = HTML if out is None else out.suffix.lower()
    if suffix not in {HTML, PDF}:
        raise CommandError(f"{out}: the name of a report must end with .html or .pdf.")
    if out is not None:
        refuse_taken(out)
    try:
        chromium = find_chromium(settings.chromium) if suffix == PDF else None
        with database(settings) as dsn:
            found = run(lambda: _read_report(settings, dsn, order, then, known, now))
        path = out or Path(found.name(suffix))
        refuse_taken(path)
        html = found.html()
        content = html.encode() if chromium is None else pdf_of(html, chromium)
    except PdfError as error:
        raise CommandError(str(error)) from error
    with whole_file(path) as file:
        file.write(content)
    posts = found.found.posts
    listed = TargetCount(len(found.found.cohort.members), 0 if posts is None else posts.watched).words()
    show(
        f"{path} contains the report on order {clean(found.found.order.reference)}, {listed}, {moment(then)}."
    )


async def _read_report(
    settings: Settings, dsn: str, name: str, at: datetime, known: datetime | None, now: datetime
) -> OrderReport:
    await ready(settings, dsn)
    address = proxied_origin(settings.dashboard_url)
    imprint = Imprint(
        now, made_by(), synthetic=False, sweep_every=settings.sweep_every, dashboard_url=address
    )
    async with open_pool(dsn, max_size=1) as pool, with_replica(pool, read_dsn(settings)):
        # The report contains the heads of past days, so they must be final.
        await settle_at_most(pool, now)
        async with snapshot(pool, known_at=known) as conn:
            found = await read_report(conn, await _number(conn, name, known), at, known, imprint)
    if found is None:
        raise CommandError(_unknown(name, known))
    return found


async def _number(conn: Conn, name: str, known: datetime | None) -> int:
    """Return the number of the order with this reference, or else this number. Raises CommandError."""
    known_orders = await orders(conn, known)
    named = [o.order_id for o in known_orders if o.reference == name]
    numbered = [o.order_id for o in known_orders if str(o.order_id) == name]
    if not named and not numbered:
        raise CommandError(_unknown(name, known))
    return (named or numbered)[0]


def _unknown(name: str, known: datetime | None) -> str:
    then = "" if known is None else f" that was stored by {moment(known)}"
    return f"There is no order with the reference or the number {clean(name, 120)}{then}."


@stories.command("list", epilog=examples("blockline stories list"))
def stories_list(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List all stories by number."""
    out = OutputTable(
        ("No.", "Title", "From", "To", "Accounts", "View", "Captions", "Version"),
        "No stories are written yet.",
    )
    for one in with_conn(load_settings(config), all_stories):
        out.add(_row(one), head_json(one))
    out.show("stories", as_json=as_json)


@stories.command("show", epilog=examples("blockline stories show 7"))
def stories_show(
    number: Number, *, as_known_at: AsKnownAt = None, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Show a story as text.

    With --json the output has every figure and the hash to cite the story by.
    """
    read = _read_story(number, as_known_at, config, "now")
    if as_json:
        show_json(story_json(read))
        return
    said = story_content(read)
    show(clean(said.title, 200))
    show(said.knowledge)
    for name, value in said.facts:
        show(f"{name}: {value}")
    for one in said.captions:
        show(f"\n{one.number}. {one.at}: {one.caption.text}")
        for name, value, note in one.facts:
            show(f"   {name}: {value}{f' ({note})' if note else ''}")
        for what, n, when in one.changes:
            show(f"   {n} {what}, {when}")
        for about, said_of_them in one.causes:
            show(f"   {about}: {said_of_them}")
    if said.causes_note:
        show(f"\n{said.causes_note}")
    show(f"\nSHA-256 of its data: {said.sha256}")


@stories.command(
    "export",
    cls=renamed(html="output"),
    epilog=examples("blockline stories export 7 --output story.html"),
)
def stories_export(
    number: Number,
    *,
    html: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="New HTML file to write.", show_default="story-….html"),
    ] = None,
    as_known_at: AsKnownAt = None,
    config: ConfigFile = None,
) -> None:
    """Export a story as one HTML file.

    The file needs no login, no script and no network. For a story without a fixed "as known at" time,
    --as-known-at writes it as it was then.
    """
    if html is not None:
        refuse_taken(html)
    read = _read_story(number, as_known_at, config, "at export")
    path = html or Path(read.name())
    refuse_taken(path)
    content = story_html(story_content(read), made_by()).encode()
    with whole_file(path) as file:
        file.write(content)
    n = len(read.story.captions)
    show(f"{path} contains story {number} with {n} caption{'' if n == 1 else 's'}, {len(content):,} bytes.")


def _read_story(number: int, as_known_at: str | None, config: Path | None, occasion: str) -> StoryRead:
    """Read a story. Raises CommandError with the reason if it cannot be shown."""
    now = command_clock()
    known: datetime | None = None if as_known_at is None else moment_past(as_known_at, "--as-known-at", now)

    async def settled(pool: Pool) -> StoryRead | StoryFault | None:
        by = await settle_at_most(pool, known or now)
        async with snapshot(pool) as conn:
            return await read_story(conn, number, by, known, synthetic=False, occasion=occasion)

    read = with_pool(load_settings(config), settled)
    if read is None:
        raise CommandError(f"There is no story {number}.")
    if isinstance(read, StoryFault):
        raise CommandError(read.value)
    return read


def _row(one: WrittenStory) -> tuple[str, ...]:
    who = "all watched" if one.list_name is None else clean(one.list_name)
    return (
        str(one.story_id),
        clean(one.head.title, 80),
        moment(one.head.since),
        moment(one.head.until),
        f"{one.count.words() if one.posts else f'{one.count.accounts:,}'} ({who})",
        VIEW_NAME[one.head.view],
        str(len(one.captions)),
        str(one.version),
    )
