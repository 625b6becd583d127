"""`blockline causes`: who says why something was blocked or came back, from the command line."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.errors import CommandError
from jobs.base.input_files import file_content, table_content
from jobs.base.output import OutputTable, moment, show
from jobs.cli.command import COMMAND_LINE, AsJson, AsKnownAt, ConfigFile, Partial, examples, moment_of
from jobs.config.database import with_conn, with_pool
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.imports.causes import import_causes, import_notice
from jobs.imports.report import print_report
from storage.accounts.lookup import account_called
from storage.causes.cause_documents import CauseDocument, document_of, given_document
from storage.causes.cause_import import subject_called
from storage.causes.ledger import (
    cause_numbered,
    causes_of_accounts,
    causes_of_order,
    correct_cause,
    record_cause,
    withdraw_cause,
)
from storage.model.causes.causes import (
    USUAL_CONFIDENCE,
    CauseKind,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
    StatedCause,
    cause_facts,
    standing,
)
from storage.model.causes.causes_csv import NamedSubject, said_on, word
from storage.model.causes.platform_notices import LARGEST as LARGEST_NOTICE
from storage.model.tables.csv_cells import CellError
from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.postgres.pool import Conn, Refused

causes = typer.Typer(no_args_is_help=True, epilog=examples("blockline causes list --account SomeHandle"))

CauseNumber = Annotated[int, typer.Argument(metavar="CAUSE", min=1, help="Number of the cause.")]
OfAccount = Annotated[
    str | None,
    typer.Option("--account", metavar="NAME", help="Number, handle or id of an account or post."),
]
OfChange = Annotated[
    str | None, typer.Option("--change", metavar="CHANGE", help="Number or key of a change.")
]
OfOrder = Annotated[str | None, typer.Option("--order", metavar="ORDER", help="Reference of an order.")]
SaidBy = Annotated[
    str | None, typer.Option("--said-by", metavar="SOURCE", help=f"Who says so: {', '.join(CauseSource)}.")
]
Speaker = Annotated[
    str | None, typer.Option("--speaker", metavar="NAME", help="The person, paper or court that says so.")
]
Source = Annotated[
    str | None, typer.Option("--source", metavar="TEXT", help="Address or name of the document.")
]
On = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="Date of what was said: a day, or a time (UTC).")
]
Basis = Annotated[str | None, typer.Option("--basis", metavar="LAW", help="Law that is named.")]
Sure = Annotated[
    str | None,
    typer.Option(
        "--confidence", metavar="WORDS", help=f"How sure: {', '.join(Confidence)}. Default: by the source."
    ),
]
DisputedBy = Annotated[
    str | None, typer.Option("--disputed-by", metavar="NAME", help="Who says that this is not the cause.")
]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What you add.")]
Document = Annotated[
    Path | None, typer.Option("--document", metavar="FILE", help="The document, to be kept as it is.")
]


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.add_typer(causes, name="causes")


@causes.command(
    "list", epilog=examples("blockline causes list --order REF1", "blockline causes list --account 12")
)
def causes_list(
    *,
    account: OfAccount = None,
    order: OfOrder = None,
    past: Annotated[
        bool, typer.Option("--past", help="Also those that were corrected or withdrawn.")
    ] = False,
    as_known_at: AsKnownAt = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List the causes of an account, or of an order, the surest first."""
    known_at = moment_of(as_known_at, "--as-known-at")

    async def read(conn: Conn) -> Sequence[StatedCause]:
        if (account is None) == (order is None):
            raise CommandError("Give --account or --order.")
        if order is not None:
            subject = await subject_called(conn, NamedSubject(order=order))
            rows: Sequence[StatedCause] = await causes_of_order(conn, subject.order_id or 0)
        else:
            account_id = await account_called(conn, account or "")
            rows = (await causes_of_accounts(conn, [account_id])).get(account_id, [])
        if past:
            return [c for c in rows if known_at is None or c.recorded_at <= known_at]
        return standing(rows, known_at)

    found = with_conn(load_settings(config), read, known_at)
    table = OutputTable(
        ("Cause", "About", "What", "Said by", "Confidence", "Date", "Source", "Recorded", "By"),
        "No cause is stored.",
    )
    for cause in found:
        table.add(_row(cause), _plain(cause_facts(cause)))
    table.show("causes", as_json=as_json)


@causes.command(
    "add",
    epilog=examples(
        'blockline causes add "court ruling" --account SomeHandle \\',
        '  --said-by "court record" --speaker "High Court" \\',
        "  --source WP-11.pdf --on 2021-02-04 --document WP-11.pdf",
    ),
)
def causes_add(
    kind: Annotated[str, typer.Argument(metavar="CAUSE", help=f"What it is: {', '.join(CauseKind)}.")],
    *,
    account: OfAccount = None,
    change: OfChange = None,
    order: OfOrder = None,
    said_by: SaidBy = None,
    speaker: Speaker = None,
    source: Source = None,
    on: On = None,
    basis: Basis = None,
    confidence: Sure = None,
    disputed_by: DisputedBy = None,
    note: Note = None,
    document: Document = None,
    config: ConfigFile = None,
) -> None:
    """Record what somebody says was the cause.

    Blockline never concludes a cause from an order and a date.
    """
    if said_by is None or source is None or on is None:
        raise CommandError("Give --said-by, --source and --on: who says so, where, and when.")
    given = _given(
        kind=kind,
        said_by=said_by,
        speaker=speaker,
        source=source,
        on=on,
        basis=basis,
        confidence=confidence,
        disputed_by=disputed_by,
        note=note,
    )
    settings, kept, now = load_settings(config), _document(document), command_clock()

    async def add(conn: Conn) -> int:
        subject = await _subject(conn, account, change, order)
        with _as_command_errors():
            return await record_cause(conn, subject, _text(given, None), COMMAND_LINE, now, kept)

    show(f"Recorded as cause {with_conn(settings, add)}.")


@causes.command("correct", epilog=examples('blockline causes correct 12 --disputed-by "the ministry"'))
def causes_correct(
    cause: CauseNumber,
    *,
    kind: Annotated[str | None, typer.Option("--kind", metavar="CAUSE", help="What it is.")] = None,
    said_by: SaidBy = None,
    speaker: Speaker = None,
    source: Source = None,
    on: On = None,
    basis: Basis = None,
    confidence: Sure = None,
    disputed_by: DisputedBy = None,
    note: Note = None,
    document: Document = None,
    config: ConfigFile = None,
) -> None:
    """Record a corrected cause in place of another.

    What is not given stays; both are kept.
    """
    given = _given(
        kind=kind,
        said_by=said_by,
        speaker=speaker,
        source=source,
        on=on,
        basis=basis,
        confidence=confidence,
        disputed_by=disputed_by,
        note=note,
    )
    if not given and document is None:
        raise CommandError("Give at least one option to correct.")
    settings, kept, now = load_settings(config), _document(document), command_clock()

    async def correct(conn: Conn) -> int:
        before = await cause_numbered(conn, cause)
        if before is None:
            raise Refused(f"There is no cause with the number {cause}.")
        with _as_command_errors():
            return await correct_cause(conn, cause, _text(given, before.text), COMMAND_LINE, now, kept)

    show(f"Corrected by cause {with_conn(settings, correct)}.")


@causes.command("withdraw", epilog=examples("blockline causes withdraw 12"))
def causes_withdraw(cause: CauseNumber, *, config: ConfigFile = None) -> None:
    """Withdraw a cause.

    It stays readable, with who withdrew it and when.
    """
    now = command_clock()
    with_conn(load_settings(config), lambda conn: withdraw_cause(conn, cause, COMMAND_LINE, now))
    show(f"Cause {cause} is withdrawn.")


@causes.command("import", epilog=examples("blockline causes import causes.csv"))
def causes_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV file with a header line.")],
    *,
    partial: Partial = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Import causes from a CSV file.

    Columns: kind, said_by, source, stated_on, and one of platform with handle, change, or order.

    Optional columns: account_id, speaker, legal_basis, confidence, disputed_by and note. A cause that is
    already stored is not stored again.
    """
    settings, content = load_settings(config), table_content(file)
    report = with_pool(
        settings,
        lambda pool: import_causes(pool, content, file.name, COMMAND_LINE, command_clock(), partial=partial),
    )
    print_report(file.name, report, as_json=as_json)


@causes.command("notice", epilog=examples("blockline causes notice forwarded.eml"))
def causes_notice(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An email, saved as .eml.")],
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Record the cause in a platform's notice to an owner.

    The notice is an email that the owner forwarded; it is kept. Known are notices of X and Bluesky.

    A notice that only says that somebody asked states no cause.
    """
    settings, content = load_settings(config), file_content(file, LARGEST_NOTICE, "an email")
    report = with_pool(
        settings, lambda pool: import_notice(pool, content, file.name, COMMAND_LINE, command_clock())
    )
    print_report(file.name, report, as_json=as_json)


@causes.command("document", epilog=examples("blockline causes document 12 notice.eml"))
def causes_document(
    cause: CauseNumber,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Write the document of a cause to a file."""

    async def read(conn: Conn) -> CauseDocument:
        stated = await cause_numbered(conn, cause)
        if stated is None:
            raise Refused(f"There is no cause with the number {cause}.")
        if stated.document is None:
            raise Refused(f"Cause {cause} has no document.")
        found = await document_of(conn, stated.document)
        if found is None:
            raise Refused(f"The document of cause {cause} was purged.")
        return found

    found = with_conn(load_settings(config), read)
    try:
        with file.open("xb") as out:
            out.write(found.content)
    except OSError as error:
        raise CommandError(f"{file} cannot be written ({error.strerror}).") from error
    show(f"{found.name} written to {file}.")


@contextmanager
def _as_command_errors() -> Generator[None]:
    try:
        yield
    except CellError as fault:
        raise CommandError(str(fault)) from fault


def _given(**options: str | None) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}


def _text(given: dict[str, str], before: CauseText | None) -> CauseText:
    """A cause out of options, whatever is not given as it was before. Raises CellError."""
    text = before or CauseText(
        CauseKind.UNKNOWN,
        CauseSource.ANALYST,
        speaker="",
        legal_basis="",
        source="",
        stated_on=command_clock(),
        confidence=Confidence.INFERRED,
    )
    if "kind" in given:
        text = replace(text, kind=word(CauseKind, given["kind"], "The cause"))
    if "said_by" in given:
        said_by = word(CauseSource, given["said_by"], "--said-by")
        text = replace(text, said_by=said_by, confidence=USUAL_CONFIDENCE[said_by])
    if "confidence" in given:
        text = replace(text, confidence=word(Confidence, given["confidence"], "--confidence"))
    if "on" in given:
        text = replace(text, stated_on=said_on(given["on"], "--on"))
    return replace(
        text,
        speaker=given.get("speaker", text.speaker),
        legal_basis=given.get("basis", text.legal_basis),
        source=given.get("source", text.source),
        disputed_by=given.get("disputed_by", text.disputed_by),
        note=given.get("note", text.note),
    )


async def _subject(conn: Conn, account: str | None, change: str | None, order: str | None) -> CauseSubject:
    if sum(one is not None for one in (account, change, order)) != 1:
        raise CommandError("Give one of --account, --change and --order.")
    if account is not None:
        return CauseSubject(account_id=await account_called(conn, account))
    return await subject_called(conn, NamedSubject(change=change or "", order=order or ""))


def _document(file: Path | None) -> CauseDocument | None:
    if file is None:
        return None
    content = file_content(file, LARGEST_DOCUMENT, "a document")
    with _as_command_errors():
        return given_document(file.name, content)


def _row(cause: StatedCause) -> tuple[str, ...]:
    text = cause.text
    what = text.kind.value + (f" ({text.legal_basis})" if text.legal_basis else "")
    said_by = text.said_by.value + (f" ({text.speaker})" if text.speaker else "")
    disputed = f", disputed by {text.disputed_by}" if text.disputed_by else ""
    return (
        str(cause.cause_id),
        cause.subject.name,
        f"withdrawn: {what}" if cause.is_withdrawn else what,
        said_by,
        f"{text.confidence}{disputed}",
        f"{text.stated_on:%Y-%m-%d}",
        text.source,
        moment(cause.recorded_at),
        cause.recorded_by,
    )


def _plain(facts: dict[str, object]) -> dict[str, object]:
    return {name: at.isoformat() if isinstance(at, datetime) else at for name, at in facts.items()}
