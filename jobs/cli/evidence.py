"""Commands about evidence: packs and their verification, the hash chain, its heads and time stamps."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
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
from jobs.doctor.hash_chain import broken_words, coverage_words, entries_words, stamps_words
from jobs.evidence.chain_heads import HeadsError, heads_known, heads_listed
from jobs.evidence.daily_anchor import AnchoredHead, anchor, authority_of
from jobs.evidence.label_pack import MadeLabelPack, is_label_pack, stored_label_pack, verify_labels
from jobs.evidence.outside_heads import StampCheck, check_stamps, missing_head
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
from jobs.evidence.pack_proof import ProofResult, Stamp
from jobs.evidence.pack_verification import verify
from jobs.evidence.rfc3161 import LIMITS, Authority, TimestampError, certificates_in
from jobs.evidence.stored_pack import made_pack, printable, stamp_or_fault, stored_material
from storage.accounts.lookup import account_called
from storage.changes.evidence_collection import PackSubject, PackSubjectKind
from storage.changes.hash_chain import Head, heads, missing_entries, stored_anchors, verify_chain
from storage.model.evidence.chain_check import ChainCheck
from storage.model.evidence.packs import Material, made_by
from storage.model.text.states import clean
from storage.orders.orders import number_of
from storage.postgres.audit_chain import (
    AuditChainState,
    audit_chain_state,
    seal_audit_log,
    verify_audit_chain,
)
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
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Write an evidence pack of a change.

    A pack can be verified without a database. `blockline evidence CHANGE` does the same.
    """
    settings = load_settings(config)
    if out is not None:
        (refuse_taken if out.suffix == ".zip" else refuse_filled)(out)
    now = command_clock()
    with database(settings) as dsn:
        gathered = run(lambda: _gathered(settings, dsn, change, now))
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
    as_json: AsJson = False,
) -> None:
    """Verify an evidence pack, a file of many, or evidence of labels.

    No database and no settings are needed. The exit code is 1 if a check fails or cannot be made: the pack
    has the wording of another version, none of the given heads covers a statement, or a label is not proven.
    """
    try:
        known = heads_known(heads_file, head)
        certificates = () if tsa_certs is None else certificates_in(tsa_certs)

        def stamp_of(token: bytes, entry: bytes) -> Stamp | str:
            return stamp_or_fault(token, entry, certificates)

        if is_collection(file):
            checks = verify_collection(file, known, stamp_of, made_by())
        elif is_label_pack(files := read_pack(file)):
            checks = verify_labels(files, made_by())
        else:
            checks = verify(files, known, stamp_of, made_by())
    except (HeadsError, TimestampError, PackError) as error:
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
    """List the last entry of the hash chain for each day.

    The newest one covers the audit log too. Someone who keeps such a head can prove later that no earlier
    entry was altered.
    """
    first = _day(since)
    settings = load_settings(config)
    if out is not None:
        refuse_taken(out)

    async def listed(dsn: str) -> list[Head]:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, _with_final_heads(pool) as conn:
            await seal_audit_log(conn, command_clock())
            return await heads(conn, first)

    with database(settings) as dsn:
        found = run(lambda: listed(dsn))
    if out is not None:
        with whole_file(out) as file:
            file.write((json.dumps(heads_listed(found), indent=1) + "\n").encode())
    if as_json:
        show_json(heads_listed(found))
    elif out is not None:
        show(f"{out} contains the heads of {number(len(found), 'day')}.")
    else:
        _table(found).show("heads", as_json=False)


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
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Verify the hash chains of changes and of the audit log.

    Each entry is computed again from the recorded data. Time stamps and the given heads are compared with
    the entries. The exit code is 1 if something does not match.
    """
    settings = load_settings(config)
    authority = authority_of(settings)
    certificates = () if authority is None else authority.certificates
    try:
        known = heads_known(heads_file, head)
    except HeadsError as error:
        raise CommandError(printable(str(error))) from error

    async def checked(dsn: str) -> _ChainsChecked:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            return _ChainsChecked(
                await verify_chain(conn),
                await verify_audit_chain(conn),
                await audit_chain_state(conn),
                check_stamps(await stored_anchors(conn), certificates),
                missing_head(known, await missing_entries(conn, [bytes.fromhex(h) for h in known.named])),
            )

    with database(settings) as dsn:
        found = run(lambda: checked(dsn))
    wrong = _faults(found)
    if as_json:
        show_json(
            {
                "ok": not wrong,
                "entries": found.changes.entries,
                "purged": found.changes.purged,
                "broken": None if found.changes.broken is None else broken_words(found.changes.broken),
                "audit_log": {
                    "entries": found.audit.entries,
                    "broken": None if found.audit.broken is None else broken_words(found.audit.broken),
                    "in_chain": found.state.sealed,
                    "anchored": found.state.anchored,
                },
                "time_stamps": {
                    "stored": found.stamps.stamps,
                    "signatures_checked": found.stamps.are_signatures_checked,
                    "wrong": found.stamps.wrong,
                },
                "heads": {"given": len(known.named), "missing": found.missing},
            }
        )
    elif not wrong:
        for line in _whole(found, len(known.named)):
            show(line)
    if wrong:
        raise CommandError(" ".join(wrong))


@dataclass(frozen=True, slots=True)
class _ChainsChecked:
    changes: ChainCheck
    audit: ChainCheck
    state: AuditChainState
    stamps: StampCheck
    missing: str | None
    """The first given head that the chain does not contain, in words."""


def _faults(found: _ChainsChecked) -> list[str]:
    """One sentence or two for each part that does not match; empty if all match."""
    out: list[str] = []
    for name, checked in (("chain", found.changes), ("audit log", found.audit)):
        if checked.broken is not None:
            earlier = f"The {checked.entries:,} earlier entries match."
            out.append(f"The {name} is broken at {broken_words(checked.broken)}. {earlier}")
    if found.stamps.wrong is not None:
        out.append(found.stamps.wrong)
    if found.missing is not None:
        out.append(
            f"The chain does not contain {found.missing}: no entry has its number and its hash. That entry "
            "or an earlier one was altered or removed, or an older backup was restored."
        )
    return out


def _whole(found: _ChainsChecked, given: int) -> list[str]:
    changes, audit = found.changes, found.audit
    purged = f" The data of {changes.purged:,} of them was purged." if changes.purged else ""
    whole = f"The chain is whole: {entries_words(changes.entries)}, computed again from the recorded data."
    out = [whole + purged]
    if audit.entries:
        out.append(
            f"The audit log is whole: {entries_words(audit.entries)}, computed again from the recorded data; "
            f"{coverage_words(found.state)}."
        )
    if found.stamps.stamps:
        out.append(stamps_words(found.stamps))
    if given:
        out.append(f"Compared with {number(given, 'given head')}.")
    return out


@evidence.command("anchor", epilog=examples("blockline evidence anchor"))
def anchor_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Request a time stamp for the newest head of the chain.

    The settings tsa_url and tsa_certificates name the authority.
    """
    settings = load_settings(config)
    authority = authority_of(settings)
    if authority is None:
        raise CommandError("Settings tsa_url and tsa_certificates are missing; set both.")
    with database(settings) as dsn:
        done = run(lambda: _anchored(settings, dsn, authority))
    if done is None:
        raise CommandError("Nothing is recorded yet, so the chain has no head.")
    if as_json:
        at = None if done.stamp is None else done.stamp.at.isoformat()
        show_json({"seq": done.head.seq, "head": done.head.entry.hex(), "authority": authority.url, "at": at})
    elif done.stamp is None:
        show(f"The newest entry, {done.head.seq}, already has a time stamp of {authority.url}.")
    else:
        signer = done.stamp.signed_by
        show(f"{signer} signed entry {done.head.seq} ({done.head.entry.hex()}) on {instant(done.stamp.at)}.")


async def _gathered(settings: Settings, dsn: str, name: str, now: datetime) -> Material:
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool:
        return await stored_material(pool, name, now)


@asynccontextmanager
async def _with_final_heads(pool: Pool) -> AsyncGenerator[Conn]:
    """Open a transaction in which the heads of past days are final."""
    await settle_at_most(pool, command_clock())
    async with transaction(pool) as conn:
        yield conn


async def _anchored(settings: Settings, dsn: str, authority: Authority) -> AnchoredHead | None:
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
