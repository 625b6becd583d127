"""Causes that come in files: each about something that a user or a platform's notice calls by its name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.accounts.lookup import accounts_named
from storage.causes.ledger import CauseDocument, causes_of_accounts, causes_of_order, record_cause
from storage.changes.evidence_pack import changes_named
from storage.model.causes.causes import (
    USUAL_CONFIDENCE,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
    StatedCause,
    standing,
)
from storage.model.causes.causes_csv import NamedSubject
from storage.model.causes.platform_notices import PlatformNotice
from storage.model.core.accounts import Platform
from storage.model.text.states import PLATFORM_NAME, clean
from storage.orders.orders import number_of
from storage.postgres.pool import Conn, Refused


@dataclass(frozen=True, slots=True)
class RecordedCause:
    """What became of one cause that was to be recorded."""

    cause_id: int
    is_new: bool
    """False: the same cause stands already, and nothing was stored."""


async def subject_called(conn: Conn, named: NamedSubject) -> CauseSubject:
    """Return what a user calls by these words. Raises Refused if there is none, or more than one."""
    if named.order:
        order_id = await number_of(conn, named.order)
        if order_id is None:
            raise Refused(f"There is no order {clean(named.order)!r}.")
        return CauseSubject(order_id=order_id)
    if named.platform is None:
        found = await changes_named(conn, named.change)
        if len(found) != 1:
            fault = "Several changes are" if found else "No change is"
            raise Refused(f"{fault} called {clean(named.change)!r}.")
        return CauseSubject(change_id=found[0])
    name = named.account_id or named.handle
    accounts = await accounts_named(conn, named.platform, name, is_id=named.account_id is not None)
    if len(accounts) != 1:
        fault = "Several stored accounts are" if accounts else "No stored account is"
        raise Refused(f"{fault} called {clean(name)!r} on {PLATFORM_NAME[named.platform]}.")
    return CauseSubject(account_id=accounts[0].account_id)


async def record_once(
    conn: Conn,
    subject: CauseSubject,
    text: CauseText,
    actor: str,
    now: datetime,
    document: CauseDocument | None = None,
) -> RecordedCause:
    """Record a cause unless the same one stands already. Raises as `record_cause` does."""
    for cause in standing(await _of(conn, subject)):
        if cause.subject == subject and cause.text == text:
            return RecordedCause(cause.cause_id, is_new=False)
    return RecordedCause(await record_cause(conn, subject, text, actor, now, document), is_new=True)


async def record_notice(
    conn: Conn, notice: PlatformNotice, document: CauseDocument, actor: str, now: datetime
) -> list[RecordedCause]:
    """Record the cause that a platform's notice states: of the posts that it names and that are stored, else
    of the account that it was sent to.

    Raises Refused if it states none, or if nothing of it is stored.
    """
    if notice.kind is None:
        raise Refused("The notice says that somebody asked, not that anything was done. It states no cause.")
    text = CauseText(
        kind=notice.kind,
        said_by=CauseSource.PLATFORM_NOTICE,
        speaker=PLATFORM_NAME[notice.platform],
        legal_basis=notice.legal_basis,
        source=document.name,
        stated_on=notice.sent_at,
        confidence=(
            Confidence.REPORTED if notice.is_quoted else USUAL_CONFIDENCE[CauseSource.PLATFORM_NOTICE]
        ),
        note=" ".join(_notes(notice)),
    )
    subjects = await _subjects(conn, notice.platform, notice.posts or (notice.handle,))
    if not subjects:
        what = "of its posts" if notice.posts else f"@{clean(notice.handle)}"
        raise Refused(f"The notice is about {what}, of which none is stored. Watch it, and try again.")
    return [await record_once(conn, subject, text, actor, now, document) for subject in subjects]


def _notes(notice: PlatformNotice) -> Iterator[str]:
    if notice.requested_by:
        yield f"Requested by {clean(notice.requested_by)}."
    if notice.is_quoted:
        yield "The owner quotes it; the date is that of the quotation."


async def _subjects(conn: Conn, platform: Platform, handles: Sequence[str]) -> list[CauseSubject]:
    found = [await accounts_named(conn, platform, handle) for handle in handles]
    return [CauseSubject(account_id=accounts[0].account_id) for accounts in found if len(accounts) == 1]


async def _of(conn: Conn, subject: CauseSubject) -> list[StatedCause]:
    if subject.order_id is not None:
        return await causes_of_order(conn, subject.order_id)
    account_id = subject.account_id or await conn.fetchval(
        "select account_id from change where change_id = $1", subject.change_id
    )
    return (await causes_of_accounts(conn, [account_id])).get(account_id, [])
