"""Taking in a watch list on the page of accounts: first what it would do, then all of it or nothing.

It is the file of `blockline accounts import`, read and decided by the same code. One thing differs: the
dashboard asks no platform, so that each line has to bring the id of its account.
"""

from collections.abc import Callable, Collection
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboard.accounts.bulk_edits import object_of
from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import refusal
from dashboard.asgi.settings import DashboardSettings
from dashboard.auth import access
from dashboard.ui.form_input import WrongInput
from storage.accounts.lookup import ids_called
from storage.accounts.watch_import import planned, watch
from storage.model.core.accounts import Platform
from storage.model.core.people import Role, Scope
from storage.model.tables.csv_rows import Parsed, TableError
from storage.model.tables.watch_import_plan import Identified, WatchLineResult, identified_rows
from storage.model.tables.watch_list_csv import WatchRow, watch_rows
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction

IMPORT = Role.ANALYST
LARGEST = 2_000_000
"""Bytes of what is sent: about 30,000 lines."""
LONGEST_TABLE = 50_000
"""Lines, also empty ones: two million bytes of the shortest would keep a thread of the pages for minutes."""
LONGEST_NAME = 100
MOST_LINES = 2_000
"""Lines of which is said what each does."""


def account_import_routes(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings
) -> APIRouter:
    router = APIRouter()

    async def answered(request: Request, *, store: bool) -> Response:
        actor = access.actor_of(request)
        try:
            access.require(actor, IMPORT)
            access.require_scope(actor, Scope.WRITE)
            content, name = _asked(await object_of(request, LARGEST))
            parsed = await off_loop(watch_rows, content, name)  # takes a while
            async with transaction(pool) as conn:
                people = await _identified(conn, parsed, name, settings.platforms)
                if not store:
                    lines = await planned(conn, people.rows)
                elif people.problems:
                    return refusal(409, _refused(people.problems))
                else:
                    lines = await watch(conn, people.rows, name, actor.name, clock())
        except access.Forbidden as error:
            return refusal(403, str(error))
        except (WrongInput, TableError) as error:
            return refusal(422, str(error))
        except Refused as error:
            return refusal(409, str(error))
        except StorageError as error:
            return refusal(503, str(error))
        return JSONResponse(_json(lines, people, stored=store))

    @router.post("/api/accounts/import/preview")
    async def preview(request: Request) -> Response:
        return await answered(request, store=False)

    @router.post("/api/accounts/import")
    async def store(request: Request) -> Response:
        return await answered(request, store=True)

    return router


def _asked(given: dict[str, object]) -> tuple[bytes, str]:
    text, name = given.get("text"), given.get("name")
    if not isinstance(text, str) or not isinstance(name, str):
        raise WrongInput("Send the table as text, with its file name.")
    if max(text.count("\n"), text.count("\r")) > LONGEST_TABLE:
        raise WrongInput(
            f"The table has more than {LONGEST_TABLE:,} lines. Split it, or use the command “blockline "
            "accounts import”."
        )
    return text.encode(), clean(name, LONGEST_NAME) if name else "the table"


async def _identified(
    conn: Conn, parsed: Parsed[WatchRow], name: str, platforms: Collection[Platform] | None
) -> Parsed[Identified[WatchRow]]:
    """The rows that bring an id; the others as problems, with the id that is on file under their handle."""
    on_file = {
        platform: await ids_called(conn, platform, [r.handle for r in parsed.rows if r.account_id is None])
        for platform in Platform
    }

    def account_of(row: WatchRow) -> tuple[str, str] | str:
        who = f"@{clean(row.handle)}"
        if platforms is not None and row.platform not in platforms:
            return (
                f"{who} is on {PLATFORM_NAME[row.platform]}, but the setting “platforms” does not include it."
            )
        if row.account_id is not None:
            return row.account_id, row.handle
        known = on_file[row.platform].get(row.handle.lower(), ())
        hint = f" Account ids stored under this handle: {' and '.join(map(clean, known))}." if known else ""
        return (
            f"{who} has no account_id. Add it, or use the command “blockline accounts import”, which looks "
            f"it up.{hint}"
        )

    return identified_rows(parsed, name, account_of)


def _refused(problems: tuple[TableError, ...]) -> str:
    lines = "1 line is" if len(problems) == 1 else f"{len(problems):,} lines are"
    return f"{lines} refused, so nothing was stored. The first error: {problems[0]}"


def _json(
    lines: tuple[WatchLineResult, ...], people: Parsed[Identified[WatchRow]], *, stored: bool
) -> dict[str, object]:
    changed = sum(line.changed for line in lines)
    refused = len(people.problems)
    taken = f"{len(lines):,} {'account' if len(lines) == 1 else 'accounts'}"
    if stored:
        sentence = f"Stored. Watched: {taken}. Lines that changed something: {changed:,}."
    elif refused:
        sentence = (
            f"{refused:,} of {refused + len(lines):,} lines are refused. Nothing can be "
            "stored until they are corrected or removed."
        )
    else:
        sentence = f"To be watched: {taken}. Lines that would change something: {changed:,}."
    return {
        "stored": stored,
        "sentence": sentence,
        "changed": changed,
        "taken": len(lines),
        "refused": [
            {"line": p.line, "why": p.fault[:1].upper() + p.fault[1:]} for p in people.problems[:MOST_LINES]
        ],
        "lines": [
            {"line": line.line, "what": line.what, "did": line.did, "changed": line.changed}
            for line in lines[:MOST_LINES]
        ],
        "ignored": [clean(column) for column in people.ignored],
    }
