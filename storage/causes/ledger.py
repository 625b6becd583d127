"""The ledger of causes: recorded, corrected and withdrawn, each time by a new row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.causes.cause_documents import CauseDocument, keep_document
from storage.model.causes.causes import (
    CauseKind,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
    KnownCause,
    StatedCause,
    checked_cause,
)
from storage.model.core.accounts import Platform
from storage.model.core.availability import EVERYWHERE
from storage.postgres.audit_log import log, log_each
from storage.postgres.pool import Conn, Refused
from storage.postgres.recording_order import moment


@dataclass(frozen=True, slots=True)
class NamedCause:
    """A cause, and the name of what it is about."""

    cause: StatedCause
    account_id: int | None
    """The account or post that it is about, or whose change. None: it is about an order."""
    name: str
    """The handle, or the reference of the order."""
    platform: Platform | None


async def record_cause(
    conn: Conn,
    subject: CauseSubject,
    text: CauseText,
    actor: str,
    now: datetime,
    document: CauseDocument | None = None,
) -> int:
    """Record a cause and return its number.

    Raises CauseFault if it cannot be a cause, Refused if what it is about does not exist.
    """
    (cause_id,) = await record_causes(conn, [(subject, text)], actor, now, document)
    return cause_id


async def record_causes(
    conn: Conn,
    stated: Sequence[tuple[CauseSubject, CauseText]],
    actor: str,
    now: datetime,
    document: CauseDocument | None = None,
) -> list[int]:
    """Record a cause of each of these, and return the numbers in the same order. Raises as `record_cause`
    does.
    """
    checked = [(subject, checked_cause(text, now)) for subject, text in stated]
    at = await recording_about(conn, [subject for subject, _ in checked], now)
    digest = None if document is None else await keep_document(conn, document, actor, at)
    numbers = await _insert(conn, checked, digest, actor, at)
    # Without its text: a purge removes the text, and nothing is ever removed from the log.
    entries = [(subject.name, {"cause": n}) for (subject, _), n in zip(checked, numbers, strict=True)]
    await log_each(conn, at, actor, "cause recorded", entries)
    return numbers


async def recording_about(conn: Conn, subjects: Sequence[CauseSubject], now: datetime) -> datetime:
    """Wait until nobody else records, and return when what this transaction records counts as known. Until it
    ends, no other transaction records a cause, and none purges one of these accounts.

    Raises Refused unless everything that a cause is about exists.
    """
    _, accounts, orders = _columns(subjects)
    # Before the turn (storage.postgres.recording_order): a purge locks an account and waits for the turn.
    await conn.execute(
        "select from account where account_id = any($1::bigint[]) order by account_id for key share", accounts
    )
    await conn.execute(
        "select from legal_order where order_id = any($1::bigint[]) order by order_id for key share", orders
    )
    at = await moment(conn, lambda: now)
    await _check_subjects(conn, subjects)
    return at


async def correct_cause(
    conn: Conn,
    cause_id: int,
    text: CauseText,
    actor: str,
    now: datetime,
    document: CauseDocument | None = None,
) -> int:
    """Record a corrected cause in place of another, and return its number. Without `document` that of the
    other one counts, unless the correction names another source, which that document is not.

    Raises CauseFault if it cannot be a cause, Refused if `cause_id` does not stand.
    """
    text = checked_cause(text, now)
    at, stated = await _correcting(conn, cause_id, now)
    before = stated.document if text.source == stated.text.source else None
    digest = before if document is None else await keep_document(conn, document, actor, at)
    (corrected,) = await _insert(conn, [(stated.subject, text)], digest, actor, at, supersedes=cause_id)
    detail = {"cause": corrected, "before": cause_id}
    await log(conn, at, actor, "cause corrected", stated.subject.name, detail)
    return corrected


async def withdraw_cause(conn: Conn, cause_id: int, actor: str, now: datetime) -> int:
    """Withdraw a cause: it stays readable, with who withdrew it and when. Returns the number of the new row.

    Raises Refused if `cause_id` does not stand.
    """
    at, stated = await _correcting(conn, cause_id, now)
    (withdrawn,) = await _insert(
        conn,
        [(stated.subject, stated.text)],
        stated.document,
        actor,
        at,
        supersedes=cause_id,
        is_withdrawn=True,
    )
    detail = {"cause": withdrawn, "before": cause_id}
    await log(conn, at, actor, "cause withdrawn", stated.subject.name, detail)
    return withdrawn


async def causes_of_accounts(conn: Conn, account_ids: Sequence[int]) -> dict[int, list[StatedCause]]:
    """Return every row about these accounts or posts and about their changes, by account. Each list is in the
    order of recording, with the rows that were superseded.
    """
    rows = await conn.fetch(
        """
        select s.*, coalesce(s.account_id, c.account_id) as about
        from cause s left join change c using (change_id)
        where s.account_id = any($1::bigint[]) or c.account_id = any($1::bigint[])
        order by s.cause_id
        """,
        account_ids,
    )
    return _by_account(rows)


async def causes_of_blocks(
    conn: Conn, account_ids: Sequence[int], country: str, since: datetime, known_at: datetime | None
) -> dict[int, list[StatedCause]]:
    """As `causes_of_accounts`, but of their changes only those by which they were blocked for readers in
    `country` at or after `since`, as was known at `known_at`; None means now. Why an account came back, left,
    or is withheld elsewhere says nothing about why it was blocked there.
    """
    rows = await conn.fetch(
        """
        select s.*, coalesce(s.account_id, c.account_id) as about
        from cause s left join change c using (change_id)
        where s.account_id = any($1::bigint[])
            or c.account_id = any($1::bigint[])
                and (c.status = 'suspended' or c.status = 'withheld' and c.withheld_in && $2::text[])
                and exists (
                    select from spell p
                    where p.change_id = c.change_id
                        and case when $4::timestamptz is null then upper_inf(p.recorded)
                            else p.recorded @> $4 end
                        and coalesce(upper(p.valid), 'infinity') >= $3
                )
        order by s.cause_id
        """,
        account_ids,
        [country, EVERYWHERE],
        since,
        known_at,
    )
    return _by_account(rows)


async def causes_of_order(conn: Conn, order_id: int) -> list[StatedCause]:
    """Return every row about an order itself, in the order of recording."""
    return await causes_about(conn, [CauseSubject(order_id=order_id)])


async def causes_about(conn: Conn, subjects: Sequence[CauseSubject]) -> list[StatedCause]:
    """Return every row about these and nothing else, such as the changes of an account, in the order of
    recording.
    """
    rows = await conn.fetch(
        """
        select * from cause
        where change_id = any($1::bigint[]) or account_id = any($2::bigint[])
            or order_id = any($3::bigint[])
        order by cause_id
        """,
        *_columns(subjects),
    )
    return [_cause(row) for row in rows]


async def paged_causes(
    conn: Conn,
    *,
    known_at: datetime | None,
    account_id: int | None,
    order: str | None,
    after: int,
    limit: int,
) -> list[StatedCause]:
    """Return the standing causes with numbers above `after`, by number, as was known at `known_at`; None
    means now.

    `account_id` asks for those of an account or a post and of its changes, `order` for those of the order
    with this reference.
    """
    rows = await conn.fetch(
        """
        select s.* from cause s left join change c using (change_id)
        where s.cause_id > $1 and s.recorded_at <= coalesce($2::timestamptz, 'infinity')
            and not s.is_withdrawn
            and not exists (
                select from cause later where later.supersedes = s.cause_id
                    and later.recorded_at <= coalesce($2::timestamptz, 'infinity')
            )
            and ($3::bigint is null or coalesce(s.account_id, c.account_id) = $3)
            and (
                $4::text is null
                or s.order_id = (select order_id from legal_order where reference = $4)
            )
        order by s.cause_id limit $5
        """,
        after,
        known_at,
        account_id,
        order,
        limit,
    )
    return [_cause(row) for row in rows]


async def newest_causes(conn: Conn, limit: int) -> list[NamedCause]:
    """Return the standing causes that were recorded last, the newest first."""
    rows = await conn.fetch(
        """
        select s.*, a.account_id as about, a.platform, coalesce(a.handle, o.reference) as name
        from cause s left join change c using (change_id)
        left join account a on a.account_id = coalesce(s.account_id, c.account_id)
        left join legal_order o on o.order_id = s.order_id
        where not s.is_withdrawn
            and not exists (select from cause later where later.supersedes = s.cause_id)
        order by s.cause_id desc limit $1
        """,
        limit,
    )
    return [
        NamedCause(
            _cause(r), r["about"], r["name"], None if r["platform"] is None else Platform(r["platform"])
        )
        for r in rows
    ]


async def known_causes(conn: Conn) -> list[KnownCause]:
    """Return every cause of a change, an account or a post that stands or ever stood, with how long, in the
    order of recording.
    """
    rows = await conn.fetch(
        """
        select s.*, later.recorded_at as until
        from cause s left join cause later on later.supersedes = s.cause_id
        where s.order_id is null and not s.is_withdrawn
        order by s.cause_id
        """
    )
    return [KnownCause(_cause(row), row["until"]) for row in rows]


async def standing_by_confidence(conn: Conn) -> dict[Confidence, int]:
    """Return how many causes stand, the surest first."""
    rows = await conn.fetch(
        """
        select s.confidence, count(*) as causes from cause s
        where not s.is_withdrawn
            and not exists (select from cause later where later.supersedes = s.cause_id)
        group by s.confidence
        """
    )
    found: dict[Confidence, int] = {Confidence(r["confidence"]): r["causes"] for r in rows}
    return {confidence: found[confidence] for confidence in Confidence if confidence in found}


async def cause_numbered(conn: Conn, cause_id: int) -> StatedCause | None:
    """Return one row; None if there is none."""
    row = await conn.fetchrow("select * from cause where cause_id = $1", cause_id)
    return None if row is None else _cause(row)


async def _check_subjects(conn: Conn, subjects: Sequence[CauseSubject]) -> None:
    """Raises Refused unless everything that a cause is about exists."""
    missing: int | None = await conn.fetchval(
        """
        select min(n)
        from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality
            as u (change_id, account_id, order_id, n)
        where not exists (select from change c where c.change_id = u.change_id)
            and not exists (select from account a where a.account_id = u.account_id)
            and not exists (select from legal_order o where o.order_id = u.order_id)
        """,
        *_columns(subjects),
    )
    if missing is not None:
        raise Refused(f"There is no {subjects[missing - 1].name}.")


async def _correcting(conn: Conn, cause_id: int, now: datetime) -> tuple[datetime, StatedCause]:
    """As `recording_about`, and the cause that is to be corrected. Raises Refused if it does not stand."""
    stated = await cause_numbered(conn, cause_id)
    at = await recording_about(conn, [] if stated is None else [stated.subject], now)
    return at, await _standing(conn, cause_id)


async def _standing(conn: Conn, cause_id: int) -> StatedCause:
    """Return a cause that nothing supersedes. Who has the turn to record sees whatever superseded it.

    Raises Refused.
    """
    row = await conn.fetchrow(
        """
        select s.*, (select l.cause_id from cause l where l.supersedes = s.cause_id) as later
        from cause s where s.cause_id = $1
        """,
        cause_id,
    )
    if row is None:
        raise Refused(f"There is no cause with the number {cause_id}.")
    if row["later"] is not None:
        raise Refused(f"Cause {cause_id} was already corrected or withdrawn, by cause {row['later']}.")
    if row["is_withdrawn"]:
        raise Refused(f"Cause {cause_id} is withdrawn. Record a new one.")
    return _cause(row)


async def _insert(
    conn: Conn,
    stated: Sequence[tuple[CauseSubject, CauseText]],
    document: bytes | None,
    actor: str,
    at: datetime,
    *,
    supersedes: int | None = None,
    is_withdrawn: bool = False,
) -> list[int]:
    texts = [text for _, text in stated]
    rows = await conn.fetch(
        """
        insert into cause (
            supersedes, is_withdrawn, document, recorded_at, recorded_by, change_id, account_id, order_id,
            kind, said_by, speaker, legal_basis, source, stated_on, confidence, disputed_by, note
        )
        select $1::bigint, $2::boolean, $3::bytea, $4::timestamptz, $5, u.change_id, u.account_id, u.order_id,
            u.kind, u.said_by, u.speaker, u.legal_basis, u.source, u.stated_on, u.confidence, u.disputed_by,
            u.note
        from unnest(
            $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[],
            $13::text[], $14::timestamptz[], $15::text[], $16::text[], $17::text[]
        ) with ordinality as u (
            change_id, account_id, order_id, kind, said_by, speaker, legal_basis, source, stated_on,
            confidence, disputed_by, note, n
        )
        order by u.n
        returning cause_id
        """,
        supersedes,
        is_withdrawn,
        document,
        at,
        actor,
        *_columns([subject for subject, _ in stated]),
        [text.kind.value for text in texts],
        [text.said_by.value for text in texts],
        [text.speaker for text in texts],
        [text.legal_basis for text in texts],
        [text.source for text in texts],
        [text.stated_on for text in texts],
        [text.confidence.value for text in texts],
        [text.disputed_by for text in texts],
        [text.note for text in texts],
    )
    return sorted(r["cause_id"] for r in rows)


def _columns(subjects: Sequence[CauseSubject]) -> tuple[list[int | None], ...]:
    """The numbers of what they are about, a column for changes, accounts and orders each."""
    return (
        [s.change_id for s in subjects],
        [s.account_id for s in subjects],
        [s.order_id for s in subjects],
    )


def _by_account(rows: Sequence[Record]) -> dict[int, list[StatedCause]]:
    found: dict[int, list[StatedCause]] = {}
    for row in rows:
        found.setdefault(row["about"], []).append(_cause(row))
    return found


def _cause(row: Record) -> StatedCause:
    return StatedCause(
        cause_id=row["cause_id"],
        supersedes=row["supersedes"],
        is_withdrawn=row["is_withdrawn"],
        subject=CauseSubject(row["change_id"], row["account_id"], row["order_id"]),
        text=CauseText(
            kind=CauseKind(row["kind"]),
            said_by=CauseSource(row["said_by"]),
            speaker=row["speaker"],
            legal_basis=row["legal_basis"],
            source=row["source"],
            stated_on=row["stated_on"],
            confidence=Confidence(row["confidence"]),
            disputed_by=row["disputed_by"],
            note=row["note"],
        ),
        document=row["document"],
        recorded_at=row["recorded_at"],
        recorded_by=row["recorded_by"],
    )
