"""What people do with many accounts at once: tags, lists and the watch, in one transaction, with what became
of each.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from dashboard.asgi.refusals import refusal
from dashboard.auth import access
from dashboard.ui.form_input import WrongInput
from dashboard.ui.toasts import Toast, Undo
from storage.accounts.tags import edit_tags
from storage.accounts.watch_lists import move_accounts, put_accounts_on, take_accounts_off
from storage.accounts.watching import stop_watching_many, watch_again
from storage.live.lists_and_executives import lists
from storage.model.core.people import Role, Scope
from storage.model.tables.tag_and_list_edits import (
    MOST_AT_ONCE,
    OUTCOME_WORDS,
    Edited,
    EditOutcome,
    tags_fault,
)
from storage.postgres.pool import Conn, Pool, Refused, StorageError, transaction

EDIT = Role.ANALYST
LARGEST = 1_000_000
"""Bytes of what is sent."""
LARGEST_ID = 2**63 - 1
_WITHOUT_VALUE = {"stop", "watch"}
MOST_NAMED = 100
"""Accounts of which is said by name why nothing was done."""


def account_edit_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    router = APIRouter()

    @router.post("/api/accounts/edit")
    async def edit(request: Request) -> Response:
        actor = access.actor_of(request)
        try:
            access.require(actor, EDIT)
            access.require_scope(actor, Scope.WRITE)
            given = await object_of(request, LARGEST)
            deed, value, ids = _asked(given)
            leaves = _left_list(given) if deed == "move" else None
            async with transaction(pool) as conn:
                edits = await _done(conn, deed, value, leaves, ids, actor.name, clock())
        except access.Forbidden as error:
            return refusal(403, str(error))
        except WrongInput as error:
            return refusal(422, str(error))
        except Refused as error:
            return refusal(409, str(error))
        except StorageError as error:
            return refusal(503, str(error))
        return JSONResponse({**edited_json(edits), "toast": toast_of(deed, value, edits, leaves).as_json()})

    return router


async def _done(
    conn: Conn, deed: str, value: str, leaves: str | None, ids: list[int], actor: str, now: datetime
) -> list[Edited]:
    match deed:
        case "tag" | "untag":
            add, remove = ([value], []) if deed == "tag" else ([], [value])
            if (fault := tags_fault(add, remove)) is not None:
                raise WrongInput(fault)
            return await edit_tags(conn, ids, add, remove, actor, now)
        case "put":
            return await put_accounts_on(conn, await _list_name(conn, value), ids, actor, now)
        case "take":
            return await take_accounts_off(conn, await _list_name(conn, value), ids, actor, now)
        case "move":
            from_list, to_list = await _list_name(conn, leaves or ""), await _list_name(conn, value)
            return await move_accounts(conn, from_list, to_list, ids, actor, now)
        case "stop":
            return await stop_watching_many(conn, ids, actor, now)
        case "watch":
            return await watch_again(conn, ids, actor, now)
        case _:
            raise WrongInput(
                'The value of the field "do" must be tag, untag, put, take, move, stop or watch.'
            )


async def _list_name(conn: Conn, value: str) -> str:
    name = next((w.name for w in await lists(conn) if str(w.list_id) == value), None)
    if name is None:
        raise WrongInput("This list does not exist.")
    return name


def _asked(given: dict[str, Any]) -> tuple[str, str, list[int]]:
    deed, value, ids = given.get("do"), given.get("value"), given.get("accounts")
    if not isinstance(deed, str) or not isinstance(value, str) or not (value or deed in _WITHOUT_VALUE):
        raise WrongInput("Choose an action, and a tag or list.")
    if not isinstance(ids, list) or not ids:
        raise WrongInput("Select at least one account.")
    numbers = cast("list[object]", ids)
    if len(numbers) > MOST_AT_ONCE:
        raise WrongInput(f"{len(numbers):,} accounts and posts are selected. The most is {MOST_AT_ONCE:,}.")
    if any(type(i) is not int or not 0 <= i <= LARGEST_ID for i in numbers):
        raise WrongInput("The field accounts must be a list of account numbers.")
    return deed, value, cast("list[int]", numbers)


def _left_list(given: dict[str, Any]) -> str:
    """The number of the list that moved accounts leave."""
    leaves = given.get("from")
    if not isinstance(leaves, str) or not leaves:
        raise WrongInput("Choose the list that the accounts leave.")
    return leaves


def edited_json(edits: Sequence[Edited]) -> dict[str, object]:
    """How many were changed, and of the others why not."""
    by = {outcome: [e.account_id for e in edits if e.outcome is outcome] for outcome in EditOutcome}
    done, same = len(by[EditOutcome.DONE]), len(by[EditOutcome.UNCHANGED])
    refused = len(edits) - done - same
    parts = [f"{done:,} changed"]
    if same:
        parts.append(f"{same:,} unchanged")
    if refused:
        parts.append(f"{refused:,} refused")
    return {
        "done": done,
        "unchanged": same,
        "refused": refused,
        "sentence": f"{', '.join(parts)}.",
        "each": [
            {"account": e.account_id, "outcome": e.outcome, "words": OUTCOME_WORDS[e.outcome]}
            for e in edits
            if e.outcome.is_refusal
        ][:MOST_NAMED],
    }


_REVERSE = {
    "tag": "untag",
    "untag": "tag",
    "move": "move",
    "put": "take",
    "take": "put",
    "stop": "watch",
    "watch": "stop",
}


def toast_of(deed: str, value: str, edits: Sequence[Edited], leaves: str | None = None) -> Toast:
    """What was done, and its reverse for exactly the accounts that were changed. `leaves` is the list that
    they were moved from; None if they were not moved.
    """
    done = [edit.account_id for edit in edits if edit.outcome is EditOutcome.DONE]
    words = str(edited_json(edits)["sentence"])
    if not done:
        return Toast(words)
    body: dict[str, object] = {"do": _REVERSE[deed], "value": value, "accounts": done}
    if leaves is not None:
        body |= {"value": leaves, "from": value}
    return Toast(words, Undo("/api/accounts/edit", body=body))


async def object_of(request: Request, largest: int) -> dict[str, Any]:
    """The JSON object that was sent. Raises WrongInput for anything else, and when it is too large."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise WrongInput("The body must be a JSON object (Content-Type: application/json).")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            raise WrongInput(f"The body is larger than {largest:,} bytes.")
    try:
        value = json.loads(body.decode())
        json.dumps(value, ensure_ascii=False).encode()  # raises for half a surrogate pair: nothing stores it
    except (ValueError, RecursionError) as error:
        raise WrongInput("The body must be a JSON object.") from error
    if not isinstance(value, dict) or "\\u0000" in json.dumps(value):
        raise WrongInput("The body must be a JSON object of strings and numbers.")
    return cast("dict[str, Any]", value)
