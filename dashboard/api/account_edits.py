"""What people write about accounts. Each is one transaction with its entry in the audit log."""

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, StrictInt

from dashboard.api.account_models import ApiModel
from dashboard.api.accounts import Note
from dashboard.api.paging import sent
from dashboard.api.parameter_types import LARGEST_ID, PathNumber, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, may
from storage.accounts import notes
from storage.accounts.lookup import is_stored
from storage.accounts.tags import edit_tags
from storage.model.core.people import Actor, Role
from storage.model.tables.tag_and_list_edits import (
    LONGEST_TAG,
    MOST_AT_ONCE,
    OUTCOME_WORDS,
    Edited,
    EditOutcome,
    tags_fault,
)
from storage.postgres.pool import Conn, transaction
from storage.purge.deliberate_purge import (
    PurgeSubject,
    preview_purge,
    purge_as,
    purge_subject,
    refuse_other_handle,
)
from storage.purge.purge import Purged

Analyst = Annotated[Actor, Depends(may(Role.ANALYST))]
Admin = Annotated[Actor, Depends(may(Role.ADMIN))]

AccountNumber = ListNumber = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
# Of a list, here and below, only the first fault is looked for: to describe thousands takes seconds, on the
# event loop.
AccountNumbers = Annotated[tuple[AccountNumber, ...], Field(max_length=MOST_AT_ONCE), FailFast()]
Tag = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_TAG,
        examples=["press"],
        json_schema_extra={"pattern": "^[^\\s,;\\u0000-\\u001f\\u007f-\\u00a0]+$"},
    ),
]


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("The note is empty.")
    return storable(text.strip())


def some(accounts: tuple[int, ...]) -> tuple[int, ...]:
    """Checked last: with `min_length`, a list whose first number is wrong would also be called empty."""
    if not accounts:
        raise ValueError("The list is empty.")
    return accounts


class ApiInput(BaseModel):
    """Base of everything that is sent: a field that is not known is refused."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")


class TagsGiven(ApiInput):
    """Tags to add to accounts and to remove. A tag has no space, comma or semicolon."""

    accounts: Annotated[AccountNumbers, Field(json_schema_extra={"minItems": 1}), AfterValidator(some)]
    """Blockline's numbers."""
    add: Annotated[tuple[Tag, ...], Field(max_length=50), FailFast()] = ()
    remove: Annotated[tuple[Tag, ...], Field(max_length=50), FailFast()] = ()


class NoteGiven(ApiInput):
    """A note about an account. It is never rewritten, only withdrawn."""

    text: Annotated[str, Field(min_length=1, max_length=notes.LONGEST), AfterValidator(_said)]


class PurgeGiven(ApiInput):
    """A purge, and the handle to confirm it. It cannot be undone."""

    confirm: Annotated[str, Field(min_length=1, max_length=400), AfterValidator(storable)]
    """The handle of the account, as the preview has it."""
    whole: bool = False
    """Also remove all other data of the account, including its changes."""
    reason: Annotated[str, Field(max_length=1_000), AfterValidator(storable)] = ""
    """Why, and who asked for it. It is stored and cannot be removed."""


class PurgeCounts(ApiModel):
    """What a purge removes, or would remove."""

    account_id: int
    whole: bool
    evidence: int
    """Pieces of evidence. Their hashes stay, unless the purge is whole."""
    handles: int
    """Places with a handle."""
    facts: int
    """Side facts."""
    mails: int
    """Stored emails in which it is named."""
    changes: int
    """Changes; they stay, unless the purge is whole."""
    signals: int
    """Engagements of executives; they stay, unless the purge is whole."""
    was_watched: bool
    """A purge ends the watch."""


class PurgePreview(PurgeCounts):
    """What a purge would remove now."""

    handle: str
    """To be given as `confirm`."""


class AccountEdited(ApiModel):
    """What was done to one account, or why nothing was."""

    account_id: int
    outcome: EditOutcome
    words: str
    tags: list[str] | None = None
    """After an edit of tags: the tags that it has now."""


class AccountsEdited(ApiModel):
    """What an edit did to each account, in the order in which they were named. What is refused of one is
    done of the others.
    """

    changed: int
    unchanged: int
    refused: int
    accounts: list[AccountEdited]


def writing_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["accounts"])

    @router.post("/accounts/tags", response_model=AccountsEdited)
    async def change_tags(request: Request, given: TagsGiven, actor: Analyst) -> Response:
        """Add tags to accounts, and remove others. Requires an analyst."""
        if (fault := tags_fault(given.add, given.remove)) is not None:
            raise ApiInvalidField("body", fault)
        async with transaction(source.pool) as conn:
            edits = await edit_tags(conn, given.accounts, given.add, given.remove, actor.name, source.clock())
        return sent(request, edited(edits, of_tags=True))

    @router.post("/accounts/{account_id}/notes", status_code=201, response_model=Note, responses=NOT_FOUND)
    async def add_note(account_id: PathNumber, given: NoteGiven, actor: Analyst) -> Response:
        """Add a note to an account. Requires an analyst."""
        async with transaction(source.pool) as conn:
            if not await is_stored(conn, account_id):
                raise ApiNotFound(f"There is no account {account_id}.")
            note_id = await notes.add_note(conn, account_id, given.text, actor.name, source.clock())
            (note,) = [n for n in await notes.notes_of(conn, account_id) if n.account_note_id == note_id]
        return made(Note.model_validate(note))

    @router.delete("/notes/{note_id}", status_code=204, response_class=Response, responses=CONFLICT)
    async def withdraw_note(note_id: PathNumber, actor: Analyst) -> Response:
        """Withdraw a note. It stays readable, with who withdrew it and when. Requires an analyst."""
        async with transaction(source.pool) as conn:
            await notes.withdraw_note(conn, note_id, actor.name, source.clock())
        return Response(status_code=204)

    return router


def purge_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["accounts"])

    @router.get("/accounts/{account_id}/purge", response_model=PurgePreview, responses=NOT_FOUND | CONFLICT)
    async def show_purge(
        request: Request,
        account_id: PathNumber,
        _actor: Admin,
        *,
        whole: Annotated[bool, Query(description="The preview of a whole purge.")] = False,
    ) -> Response:
        """Preview what a purge of an account would remove. Nothing is removed. Requires an admin."""
        async with transaction(source.pool) as conn:
            subject = await _subject(conn, account_id)
            found = await preview_purge(conn, account_id, source.clock(), whole=whole)
        return sent(request, PurgePreview(handle=subject.handle, **_counts(account_id, found)))

    @router.post("/accounts/{account_id}/purge", response_model=PurgeCounts, responses=NOT_FOUND | CONFLICT)
    async def purge(request: Request, account_id: PathNumber, given: PurgeGiven, actor: Admin) -> Response:
        """Purge an account permanently. The audit log has who did it. Requires an admin."""
        async with transaction(source.pool) as conn:
            subject = await _subject(conn, account_id)
            refuse_other_handle(subject, given.confirm)
            purged = await purge_as(
                conn, account_id, source.clock(), actor.name, whole=given.whole, reason=given.reason
            )
        return sent(request, PurgeCounts(**_counts(account_id, purged)))

    return router


async def _subject(conn: Conn, account_id: int) -> PurgeSubject:
    if (found := await purge_subject(conn, account_id)) is None:
        raise ApiNotFound(f"There is no account {account_id}.")
    return found


def _counts(account_id: int, purged: Purged) -> dict[str, Any]:
    """Without the handle: answers are kept for a while, for requests that are sent again."""
    return {"account_id": account_id, **{k: v for k, v in asdict(purged).items() if k != "native_id"}}


def made(body: BaseModel) -> Response:
    """The answer for something new."""
    return Response(body.model_dump_json(by_alias=True), status_code=201, media_type="application/json")


def edited(edits: list[Edited], *, of_tags: bool) -> AccountsEdited:
    """What is answered about an edit."""
    counted = Counter(one.outcome for one in edits)
    done, same = counted[EditOutcome.DONE], counted[EditOutcome.UNCHANGED]
    return AccountsEdited(
        changed=done,
        unchanged=same,
        refused=len(edits) - done - same,
        accounts=[
            AccountEdited(
                account_id=one.account_id,
                outcome=one.outcome,
                words=OUTCOME_WORDS[one.outcome],
                tags=list(one.tags) if of_tags and not one.outcome.is_refusal else None,
            )
            for one in edits
        ],
    )
