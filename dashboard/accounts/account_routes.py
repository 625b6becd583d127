"""What is done on the page of one account: notes written and withdrawn, evidence fetched."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.accounts.account_links_card import EDIT_TAGS
from dashboard.asgi.refusals import LARGEST_ID, refusal
from dashboard.auth.form_actions import run_form_action, stay
from dashboard.ui.form_input import Filled, WrongInput, page_of
from dashboard.ui.toasts import Toast, Undo
from storage.accounts.notes import add_note, withdraw_note
from storage.accounts.tags import edit_tags
from storage.model.core.people import Actor, Role
from storage.model.tables.tag_and_list_edits import LONGEST_TAG, EditOutcome, tags_fault
from storage.model.text.states import clean
from storage.postgres.pool import Pool, StorageError, transaction
from storage.readings.evidence import EvidenceSide, evidence_of, load

WRITE_NOTES = Role.ANALYST


def account_routes(pool: Pool, clock: Callable[[], datetime]) -> APIRouter:
    """Write and withdraw notes, add and remove a tag, and fetch the evidence of a change."""
    router = APIRouter(prefix="/api/account")

    async def write(request: Request, *, add: bool) -> Response:
        async def do(given: Filled, actor: Actor) -> Response:
            async with transaction(pool) as conn:
                if add:
                    account_id, text = given.number("account"), given.needed("text", "New note")
                    await add_note(conn, account_id, text, actor.name, clock())
                else:
                    await withdraw_note(conn, given.number("note"), actor.name, clock())
            toast = Toast(
                "The note is saved." if add else "The note is withdrawn. It stays here, crossed out."
            )
            return stay(request, page_of(request.query_params.get("back", "")), toast)

        return await run_form_action(request, WRITE_NOTES, do)

    @router.post("/notes/add")
    async def add(request: Request) -> Response:
        return await write(request, add=True)

    @router.post("/notes/withdraw")
    async def withdraw(request: Request) -> Response:
        return await write(request, add=False)

    @router.post("/{account_id}/tags/add")
    async def add_tag(request: Request, account_id: int) -> Response:
        return await _edit_tag(request, account_id, pool, clock(), add=True)

    @router.post("/{account_id}/tags/remove")
    async def remove_tag(request: Request, account_id: int) -> Response:
        return await _edit_tag(request, account_id, pool, clock(), add=False)

    @router.get("/{account_id}/evidence/{change_id}/{side}")
    async def evidence(account_id: int, change_id: int, side: EvidenceSide) -> Response:
        return await _evidence(pool, account_id, change_id, side)

    return router


async def _edit_tag(request: Request, account_id: int, pool: Pool, now: datetime, *, add: bool) -> Response:
    async def do(given: Filled, actor: Actor) -> Response:
        tag = given.needed("tag", "New tag")
        if (fault := tags_fault([tag], [])) is not None:
            raise WrongInput(fault)
        added, removed = [tag] if add else list[str](), list[str]() if add else [tag]
        if not 0 <= account_id <= LARGEST_ID:
            return refusal(404, "There is no such account.")
        async with transaction(pool) as conn:
            (edited,) = await edit_tags(conn, [account_id], added, removed, actor.name, now)
        if edited.outcome.is_refusal:
            return refusal(404, "There is no such account.")
        toast = _tag_toast(account_id, tag, edited.outcome, add=add)
        return stay(request, page_of(request.query_params.get("back", "")), toast)

    return await run_form_action(request, EDIT_TAGS, do)


def _tag_toast(account_id: int, tag: str, outcome: EditOutcome, *, add: bool) -> Toast:
    name = clean(tag, LONGEST_TAG)
    if outcome is EditOutcome.UNCHANGED:
        return Toast(f"The account {'has' if add else 'does not have'} the tag {name}.")
    undo = Undo(f"/api/account/{account_id}/tags/{'remove' if add else 'add'}", {"tag": tag})
    return Toast(f"Tag {name} {'added' if add else 'removed'}.", undo)


async def _evidence(pool: Pool, account_id: int, change_id: int, side: EvidenceSide) -> Response:
    if not (0 <= account_id <= LARGEST_ID and 0 <= change_id <= LARGEST_ID):
        return refusal(404, "There is no such evidence.")
    try:
        async with transaction(pool) as conn:
            kept = await evidence_of(conn, account_id)
            named = next((k for k in kept if (k.change_id, k.side) == (change_id, side)), None)
            content = await load(conn, named.sha256) if named is not None else None
    except StorageError as error:
        return refusal(503, str(error))
    if named is None:
        return refusal(404, "There is no such evidence.")
    if content is None:
        return refusal(410, "The content was purged or has expired; only its hash is still stored.")
    headers = {
        "content-disposition": f'attachment; filename="evidence-{change_id}-{side.value}.txt"',
        "x-evidence-sha256": named.sha256.hex(),
    }
    return Response(content, media_type="text/plain; charset=utf-8", headers=headers)
