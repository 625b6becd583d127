"""Commands about evidence: packs and their verification, the hash chain, its heads and time stamps."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from collectors.transport.client import Http
from jobs.base.atomic_files import refuse_filled, refuse_taken, whole_file
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import OutputTable, show, show_json
from jobs.base.wording import number
from jobs.cli.command import AsJson, ConfigFile, examples, moment_of, renamed
from jobs.config.database import database, ready
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from jobs.evidence.chain_heads import HeadsError, heads_known, heads_listed
from jobs.evidence.chain_verdict import ChainVerdict, chain_verdict
from jobs.evidence.checkpoint import SignedCheckpoint, size_words
from jobs.evidence.daily_anchor import AnchoredCheckpoint, anchor, authority_of
from jobs.evidence.label_pack import MadeLabelPack, is_label_pack, stored_label_pack, verify_labels
from jobs.evidence.pack import PackError
from jobs.evidence.pack_collection import (
    COLLECTION,
    Collection,
    collection,
    is_collection,
    verify_collection,
    write_collection,
)
from jobs.evidence.pack_files import read_pack, write_pack
from jobs.evidence.pack_page import instant
from jobs.evidence.pack_proof import KnownHeads, ProofResult, Stamp
from jobs.evidence.pack_verification import verify
from jobs.evidence.rfc3161 import LIMITS, Authority, TimestampError, certificates_in
from jobs.evidence.signing import sign_checkpoint
from jobs.evidence.stored_pack import made_pack, printable, stamp_or_fault, stored_material
from storage.accounts.lookup import account_called
from storage.changes.evidence_collection import PackSubject, PackSubjectKind
from storage.changes.hash_chain import Head, heads
from storage.model.evidence.packs import Material, made_by
from storage.model.text.states import clean
from storage.orders.orders import number_of
from storage.postgres.audit_chain import seal_audit_log
from storage.postgres.merkle_log import StoredCheckpoint
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.postgres.recording_order import settle_at_most


class _PackUnlessNamed(TyperGroup):
    """`evidence 12` is short for `evidence pack 12`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["pack", *args]
        return super().parse_args(ctx, args)


evidence = typer.Typer(cls=_PackUnlessNamed, no_args_is_help=True, epilog=examples("blockline evidence 1204"))


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.add_typer(evidence, name="evidence")


_Held = Annotated[
    str | None,
    typer.Option("--held", metavar="FILE", help="Checkpoint that somebody saved, or the text of one."),
]


def _known(heads_file: Path | None, head: str | None, held: str | None, key: str | None = None) -> KnownHeads:
    try:
        return heads_known(heads_file, head, held, key)
    except HeadsError as error:
        raise CommandError(printable(str(error))) from error


@evidence.command(
    "pack",
    cls=renamed(out="output"),
    epilog=examples("blockline evidence pack 1204 --output pack.zip"),
)
def pack_command(
    change: Annotated[str, typer.Argument(metavar="CHANGE", help="Number of the change, or its key.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="New .zip file or new folder to write.")
    ] = None,
    held: _Held = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Write an evidence pack of a change.

    A pack can be verified without a database. `blockline evidence CHANGE` does the same. With --held, the
    pack proves that the log continues a checkpoint that somebody saved.
    """
    saved = _known(None, None, held).held
    settings = load_settings(config)
    if out is not None:
        (refuse_taken if out.suffix == ".zip" else refuse_filled)(out)
    now = command_clock()
    with database(settings) as dsn:
        gathered = run(lambda: _gathered(settings, dsn, change, now, saved))
    made = made_pack(gathered, now)
    path = out or Path(made.name)
    write_pack(path, made.files)
    if as_json:
        show_json({"change": made.change_id, "file": str(path), "files": sorted(made.files)})
    else:
        show(f"{path} contains the evidence of change {made.change_id} in {number(len(made.files), 'file')}.")
        show(f"Check it anywhere with: blockline evidence verify {path}")


_Out = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="New .zip file to write.")]
_Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help="Changes first seen from this time on (ISO 8601, UTC)."),
]
_Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="End of the period, exclusive.")]


@evidence.command("account", epilog=examples("blockline evidence account SomeHandle --since 2026-02-01"))
def account_command(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Number on its page, handle, or id on the platform.")
    ],
    *,
    since: _Since = None,
    until: _Until = None,
    out: _Out = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Write the packs of all changes of an account, in one file."""

    async def called(conn: Conn) -> PackSubject:
        number_of_it = await account_called(conn, account)
        return _in_period(PackSubject(PackSubjectKind.ACCOUNT, number_of_it), since, until)

    _write_packs(called, out, config, as_json=as_json)


@evidence.command("order", epilog=examples("blockline evidence order IN-69A-2021-02-04 --output order.zip"))
def order_command(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The reference of the order.")],
    *,
    since: _Since = None,
    until: _Until = None,
    out: _Out = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Write the packs of all accounts of an order, in one file.

    They are those of the changes since it was issued, of the accounts on its list.
    """

    async def called(conn: Conn) -> PackSubject:
        order_id = await number_of(conn, reference)
        if order_id is None:
            raise CommandError(f"There is no order {clean(reference)!r}; `blockline orders list` lists them.")
        return _in_period(PackSubject(PackSubjectKind.ORDER, order_id), since, until)

    _write_packs(called, out, config, as_json=as_json)


@evidence.command("label", epilog=examples("blockline evidence label 815 --output label.zip"))
def label_command(
    label: Annotated[
        str, typer.Argument(metavar="LABEL", help="Number of a label, or the id of what it is about.")
    ],
    *,
    out: _Out = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Write the stored labels about an account or post, in one file.

    The file contains what the labelers of countries signed, the signatures, and the logs of their keys.
    Anyone can check them. Labels that cannot be proven are listed as such.
    """
    settings = load_settings(config)
    if out is not None:
        refuse_taken(out)

    async def made(dsn: str) -> MadeLabelPack:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool:
            return await stored_label_pack(pool, label, command_clock())

    with database(settings) as dsn:
        found = run(lambda: made(dsn))
    path = out or Path(found.name)
    write_pack(path, found.files)
    if as_json:
        show_json({"subject": found.subject, "labels": found.labels, "file": str(path)})
    else:
        about = clean(found.subject, 300)
        show(f"{path} contains the evidence of {number(found.labels, 'label')} about {about}.")
        show(f"Check it anywhere with: blockline evidence verify {path}")


def _in_period(subject: PackSubject, since: str | None, until: str | None) -> PackSubject:
    first, end = moment_of(since, "--since"), moment_of(until, "--until")
    if first is not None and end is not None and end <= first:
        raise CommandError("--until must be later than --since.")
    return replace(subject, since=first, until=end)


def _write_packs(
    called: Callable[[Conn], Awaitable[PackSubject]], out: Path | None, config: Path | None, *, as_json: bool
) -> None:
    settings = load_settings(config)
    if out is not None:
        refuse_taken(out)

    async def written(dsn: str) -> tuple[Path, Collection]:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool:
            async with transaction(pool) as conn:
                subject = await called(conn)
            made = await collection(pool, subject, command_clock())
            path = out or Path(made.name)
            with whole_file(path) as file:
                await write_collection(made, file.write)
        return path, made

    with database(settings) as dsn:
        path, made = run(lambda: written(dsn))
    left_out = len(made.left_out)
    if as_json:
        show_json({"file": str(path), "changes": made.changes, "left_out": left_out})
    else:
        show(f"{path} contains the evidence of {number(made.changes - left_out, 'change')}.")
        if left_out:
            show(f"Without a pack: {number(left_out, 'change')}. {COLLECTION} in the file says why.")
        show(f"Check it anywhere with: blockline evidence verify {path}")


@evidence.command("verify", epilog=examples("blockline evidence verify blockline-evidence-1204.zip"))
def verify_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .zip file; a single pack may be a folder.")],
    *,
    head: Annotated[str | None, typer.Option(metavar="HASH", help="A head that you got separately.")] = None,
    heads_file: Annotated[
        Path | None,
        typer.Option(
            "--heads", metavar="FILE", help="Heads that you got separately (JSON of `evidence heads`)."
        ),
    ] = None,
    tsa_certs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificates of the time-stamping authority (PEM or DER)."),
    ] = None,
    held: _Held = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Published key of the log (NAME+ID+KEY).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify an evidence pack, a file of many, or evidence of labels.

    No database and no settings are needed. The exit code is 1 if a check fails or cannot be made: the pack
    has the wording of another version, none of the given heads covers a statement, a given checkpoint
    could not be compared, or a label is not proven.
    """
    known = _known(heads_file, head, held, key)
    try:
        certificates = () if tsa_certs is None else certificates_in(tsa_certs)

        def stamp_of(token: bytes, entry: bytes) -> Stamp | str:
            return stamp_or_fault(token, entry, certificates)

        if is_collection(file):
            checks = verify_collection(file, known, stamp_of, made_by())
        elif is_label_pack(files := read_pack(file)):
            checks = verify_labels(files, made_by())
        else:
            checks = verify(files, known, stamp_of, made_by())
    except (TimestampError, PackError) as error:
        raise CommandError(printable(str(error))) from error
    wrong = sum(check.verdict is ProofResult.FAILED for check in checks)
    left_open = sum(check.verdict is ProofResult.OPEN for check in checks)
    if as_json:
        said = [{"verdict": c.verdict.lower(), "said": printable(c.said)} for c in checks]
        show_json({"ok": not (wrong or left_open), "checks": said})
    else:
        for check in checks:
            show(f"{check.verdict.value:<7} {printable(check.said)}")
        if not (wrong or left_open):
            notes = sum(check.verdict is ProofResult.NOTE for check in checks)
            but = f"; {number(notes, 'note')} on what it does not prove" if notes else ""
            show(f"{printable(str(file))} verifies{but}.")
    if wrong:
        raise CommandError(f"{printable(str(file))} does not verify: {number(wrong, 'check')} failed.")
    if left_open:
        undone = f"{number(left_open, 'check')} could not be completed"
        raise CommandError(f"{printable(str(file))} is not fully verified: {undone}.")


@evidence.command(
    "heads",
    cls=renamed(out="output"),
    epilog=examples("blockline evidence heads --since 2026-01-01 --output heads.json"),
)
def heads_command(
    *,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="First day, such as 2021-02-01.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="New JSON file to write, for `evidence verify`."),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List the last log entry of each day, and sign a checkpoint.

    The newest ones cover the audit log too. Someone who keeps such a head or checkpoint can check later that
    no entry up to it was altered.
    """
    first = _day(since)
    settings = load_settings(config)
    if out is not None:
        refuse_taken(out)

    async def listed(dsn: str) -> tuple[list[Head], StoredCheckpoint | None]:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, _with_final_heads(pool) as conn:
            await seal_audit_log(conn, command_clock())
            signed = await sign_checkpoint(conn, command_clock())
            return await heads(conn, first), signed

    with database(settings) as dsn:
        found, signed = run(lambda: listed(dsn))
    if out is not None:
        with whole_file(out) as file:
            file.write((json.dumps(heads_listed(found, signed), indent=1) + "\n").encode())
    if as_json:
        show_json(heads_listed(found, signed))
    elif out is not None:
        show(f"{out} contains the heads of {number(len(found), 'day')}.")
    else:
        _table(found).show("heads", as_json=False)


@evidence.command(
    "checkpoint",
    epilog=examples("blockline evidence checkpoint --output checkpoint.txt"),
)
def checkpoint_command(
    *,
    out: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="New file to write, for others to keep.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Sign a checkpoint of the log, and write it.

    It covers all changes, outcomes and causes, and the audit log. Someone who keeps it can check later that
    the log still has these entries. The signature proves who signed, not that the entries are true. --json
    also gives the public key.
    """
    settings = load_settings(config)
    if out is not None:
        refuse_taken(out)

    async def signed(dsn: str) -> StoredCheckpoint | None:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            await seal_audit_log(conn, command_clock())
            return await sign_checkpoint(conn, command_clock())

    with database(settings) as dsn:
        found = run(lambda: signed(dsn))
    if found is None:
        raise CommandError("Nothing is recorded yet, so there is nothing to sign.")
    if out is not None:
        with whole_file(out) as file:
            file.write(found.note.encode())
    if as_json:
        show_json({"size": found.size, "key": found.signer, "checkpoint": found.note})
    elif out is not None:
        show(f"{out} contains the checkpoint of {size_words(found.size)}.")
    else:
        show(found.note.removesuffix("\n"))


@evidence.command("chain", epilog=examples("blockline evidence chain --heads heads.json"))
def chain_command(
    *,
    head: Annotated[str | None, typer.Option(metavar="HASH", help="A head that you kept elsewhere.")] = None,
    heads_file: Annotated[
        Path | None,
        typer.Option(
            "--heads", metavar="FILE", help="Heads that you kept elsewhere (JSON of `evidence heads`)."
        ),
    ] = None,
    held: _Held = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Verify the hash chains of changes and of the audit log.

    Each entry, and the tree over the entries, is computed again from the recorded data. Time stamps,
    checkpoints and the given heads are compared with them. The exit code is 1 if something does not match.
    """
    settings = load_settings(config)
    authority = authority_of(settings)
    certificates = () if authority is None else authority.certificates
    known = _known(heads_file, head, held)

    async def checked(dsn: str) -> ChainVerdict:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            return await chain_verdict(conn, known, certificates)

    with database(settings) as dsn:
        found = run(lambda: checked(dsn))
    given = len(known.named), len(known.held)
    if as_json:
        show_json(found.as_json(*given))
    elif not found.faults:
        for line in found.whole(*given):
            show(line)
    if found.faults:
        raise CommandError(" ".join(found.faults))


@evidence.command("anchor", epilog=examples("blockline evidence anchor"))
def anchor_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Sign a checkpoint of the log and request a time stamp for it.

    The settings tsa_url and tsa_certificates name the authority.
    """
    settings = load_settings(config)
    authority = authority_of(settings)
    if authority is None:
        raise CommandError("Settings tsa_url and tsa_certificates are missing; set both.")
    with database(settings) as dsn:
        done = run(lambda: _anchored(settings, dsn, authority))
    if done is None:
        raise CommandError("Nothing is recorded yet, so there is nothing to sign.")
    signed = done.checkpoint
    if as_json:
        at = None if done.stamp is None else done.stamp.at.isoformat()
        show_json({"seq": signed.size, "checkpoint": signed.note, "authority": authority.url, "at": at})
    elif done.stamp is None:
        show(f"The checkpoint of {size_words(signed.size)} already has a time stamp of {authority.url}.")
    else:
        signer, at = done.stamp.signed_by, instant(done.stamp.at)
        show(f"{signer} signed the checkpoint of {size_words(signed.size)} on {at}.")


async def _gathered(
    settings: Settings, dsn: str, name: str, now: datetime, held: Sequence[SignedCheckpoint]
) -> Material:
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool:
        return await stored_material(pool, name, now, held)


@asynccontextmanager
async def _with_final_heads(pool: Pool) -> AsyncGenerator[Conn]:
    """Open a transaction in which the heads of past days are final."""
    await settle_at_most(pool, command_clock())
    async with transaction(pool) as conn:
        yield conn


async def _anchored(settings: Settings, dsn: str, authority: Authority) -> AnchoredCheckpoint | None:
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool, Http(LIMITS) as http:
        try:
            return await anchor(pool, http, authority, system_clock)
        except TimestampError as error:
            raise CommandError(
                f"{authority.url} (setting tsa_url) gave no valid time stamp: {error}."
            ) from error


def _table(found: Sequence[Head]) -> OutputTable:
    out = OutputTable(("Day", "Entry", "Head", "Time stamps"), "Nothing is recorded yet.")
    for one in found:
        stamps = "; ".join(f"entry {a.seq} by {a.authority}" for a in one.anchors)
        out.add((one.day.isoformat(), str(one.seq), one.entry.hex(), stamps), {})
    return out


def _day(text: str | None) -> date:
    if text is None:
        return datetime.min.replace(tzinfo=UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--since: {text!r} is not a date; write it like 2021-02-01.") from error
