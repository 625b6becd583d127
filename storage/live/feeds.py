"""Read model of the feeds: the newest confirmed changes that stand, of everything or of one list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.causes.ledger import causes_of_accounts
from storage.model.causes.causes import StatedCause, rows_of_change, standing
from storage.model.core.accounts import ListId, Platform
from storage.model.core.availability import ChangeKind, Flag, Reason, State, Status
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class FeedChange:
    """A confirmed change, as feeds contain it."""

    change_key: str
    """The same for the same fact, also after a correction that left the fact alone."""
    account_id: int
    platform: Platform
    native_id: str
    handle: str
    kind: ChangeKind
    old: State | None
    new: State
    flags: frozenset[Flag]
    """Side facts of the reading that showed the new state first."""
    last_seen_old: datetime | None
    first_seen_new: datetime
    decided_at: datetime
    """When it was confirmed, or taken from a record."""
    reason: Reason
    readings: int
    source: str
    """Who saw it: a platform's name for our own monitor, `import:<name>` for a published record."""
    corrects: bool
    """Whether it takes the place of something that was recorded before."""
    causes: tuple[StatedCause, ...]
    """What is said of its cause, or of a block why the account is blocked, the surest first."""
    causes_at: datetime | None = None
    """When a cause was last recorded, corrected or withdrawn; None: never."""

    @property
    def updated_at(self) -> datetime:
        """When what is told of it last changed."""
        return self.decided_at if self.causes_at is None else max(self.decided_at, self.causes_at)


@dataclass(frozen=True, slots=True)
class Newest:
    changes: tuple[FeedChange, ...]
    """The last confirmed one first."""
    updated: datetime | None
    """When something was last added, replaced or taken away; None: nothing ever was."""


async def list_named(conn: Conn, name: str) -> ListId | None:
    """The list of that very name, None when there is none."""
    found = await conn.fetchval("select list_id from watch_list where name = $1", name)
    return None if found is None else ListId(found)


async def newest_changes(conn: Conn, list_id: ListId | None, limit: int) -> Newest:
    """At most `limit` confirmed changes that stand, of the accounts on a list (None: of everybody).

    First states are left out, and so are the monitor's own control accounts. Records about accounts that
    nobody watches are told of a list only: they would drive everything else out of the rest.
    """
    rows = await conn.fetch(
        """
        select c.change_id, c.change_key, c.account_id, a.platform, a.native_id, a.handle, c.kind,
            c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.flags, c.last_seen_old,
            c.first_seen_new, o.decided_at, o.reason, o.readings, c.source,
            c.supersedes is not null as corrects
        from standing_change c
        join change_outcome o using (change_id)
        join ordinary_accounts() a using (account_id)
        where o.outcome = 'confirmed' and c.kind <> 'baseline'
            and case
                when $1::bigint is null then a.watched or c.source = a.platform
                else exists (
                    select from watch_list_member m where m.list_id = $1 and m.account_id = c.account_id
                )
            end
            and not exists (
                -- Two sources may tell one fact: it is told once, as our own monitor saw it if it did.
                select from standing_change same join change_outcome theirs using (change_id)
                where same.account_id = c.account_id and same.first_seen_new = c.first_seen_new
                    and same.change_key = c.change_key
                    and theirs.outcome = 'confirmed' and same.kind <> 'baseline'
                    and (same.source <> a.platform, same.change_id) < (c.source <> a.platform, c.change_id)
            )
        order by o.decided_at desc, c.first_seen_new desc, c.change_id desc
        limit $2
        """,
        list_id,
        limit,
    )
    causes = await causes_of_accounts(conn, list({r["account_id"] for r in rows}))
    cause_rows = [
        rows_of_change(
            causes.get(r["account_id"], ()), r["change_id"], is_block=Status(r["status"]).is_blocked
        )
        for r in rows
    ]
    changes = tuple(
        FeedChange(
            change_key=r["change_key"],
            account_id=r["account_id"],
            platform=Platform(r["platform"]),
            native_id=r["native_id"],
            handle=r["handle"],
            kind=ChangeKind(r["kind"]),
            old=_state(r["old_status"], r["old_withheld_in"]) if r["old_status"] is not None else None,
            new=_state(r["status"], r["withheld_in"]),
            flags=frozenset(map(Flag, r["flags"])),
            last_seen_old=r["last_seen_old"],
            first_seen_new=r["first_seen_new"],
            decided_at=r["decided_at"],
            reason=Reason(r["reason"]),
            readings=r["readings"],
            source=r["source"],
            corrects=r["corrects"],
            causes=tuple(standing(said)),
            causes_at=max((cause.recorded_at for cause in said), default=None),
        )
        for r, said in zip(rows, cause_rows, strict=True)
    )
    known = [*(c.updated_at for c in changes), await _corrected_at(conn, list_id)]
    return Newest(changes, max((at for at in known if at is not None), default=None))


async def _corrected_at(conn: Conn, list_id: ListId | None) -> datetime | None:
    """When a change that was in a feed was last withdrawn or replaced."""
    return await conn.fetchval(
        """
        select max(c.recorded_at) from change c
        where c.supersedes is not null and (
            $1::bigint is null
            or c.account_id in (select account_id from watch_list_member where list_id = $1)
        )
        """,
        list_id,
    )


def _state(status: str, withheld_in: Sequence[str]) -> State:
    return State(Status(status), tuple(withheld_in))
