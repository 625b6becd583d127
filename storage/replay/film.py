"""Read model of the replay film: all that was ever believed and recorded of accounts, and when.

A superseded belief or change is told as well, with how long it stood: so any moment can be told of as it is
known now, or as it was known at any other. Who is told of is everybody who ever was watched, or on the list
of an order, with when that was. When they were read is in `film_reads`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.live.snapshot import LiveChange, flags_of, live_change, state
from storage.model.alerts.alerts import MailKind, MailState
from storage.model.core.accounts import Platform
from storage.model.core.availability import DATED_SCOPES, Flag, State
from storage.postgres.pool import Conn
from storage.postgres.typed_rows import typed_rows


@dataclass(frozen=True, slots=True)
class FilmAccount:
    account_id: int
    platform: Platform
    handle: str
    is_post: bool


@dataclass(frozen=True, slots=True)
class FilmWatch:
    """The account was watched from `since`, up to but not at `until`. None: it still is."""

    account_id: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class FilmSpell:
    """What was held of an account: that it was in a state from `since` to `until`."""

    account_id: int
    change_id: int
    state: State
    flags: frozenset[Flag]
    onset_after: datetime | None
    since: datetime
    until: datetime | None
    known_from: datetime
    known_until: datetime | None
    """When it was told otherwise; None: it is what is known now."""


@dataclass(frozen=True, slots=True)
class Nearer:
    """A further reading agreed with a provisional change, the `agreeing`-th in all."""

    change_id: int
    recorded_at: datetime
    agreeing: int


@dataclass(frozen=True, slots=True)
class FilmList:
    list_id: int
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    list_id: int
    account_id: int
    added_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FilmMail:
    mail_id: int
    kind: MailKind
    subject: str
    state: MailState
    recipients: int
    created_at: datetime
    sent_at: datetime | None
    merged_into: int | None
    """The later mail that says what this one says; None when it is not merged."""
    change_ids: tuple[int, ...]


async def film_accounts(conn: Conn, list_id: int | None) -> tuple[FilmAccount, ...]:
    """The accounts and posts of a film: all that were ever watched, or all that were ever on one list."""
    rows = await conn.fetch(
        """
        select account_id, platform, handle, is_post from account
        where account_id in (
            select account_id from watch_period where $1::bigint is null
            union
            select m.account_id from membership m
            where (m.list_id = $1 or $1 is null and m.list_id in (select list_id from legal_order))
                -- Written out, as no more of an account is needed here than its number.
                and not exists (select from canary c where c.account_id = m.account_id)
        )
        order by account_id
        """,
        list_id,
    )
    return await typed_rows(
        rows, lambda r: FilmAccount(r["account_id"], Platform(r["platform"]), r["handle"], r["is_post"])
    )


async def watches(conn: Conn, account_ids: Sequence[int]) -> tuple[FilmWatch, ...]:
    """When each of these accounts was watched, by account and time."""
    rows = await conn.fetch(
        """
        select account_id, since, until from watch_period
        where account_id = any($1::bigint[]) order by account_id, since, watch_period_id
        """,
        account_ids,
    )
    return await typed_rows(rows, lambda r: FilmWatch(r["account_id"], r["since"], r["until"]))


async def beliefs(conn: Conn, account_ids: Sequence[int], until: datetime) -> tuple[FilmSpell, ...]:
    """What was ever held of these accounts, of any time up to `until`, by account and time.

    Who took an account down is that of the newest look that was recorded by then.
    """
    rows = await conn.fetch(
        """
        select s.account_id, s.change_id, s.status, s.withheld_in, s.onset_after, lower(s.valid) as since,
            upper(s.valid) as until, k.known_from, k.known_until, f.flags
        from spell s join change c using (change_id)
        cross join lateral (
            select at as known_from, lead(at, 1, upper(s.recorded)) over (order by at) as known_until
            from (
                select lower(s.recorded) as at
                union
                select recorded_at from fact
                where account_id = s.account_id and observer = '' and recorded_at <@ s.recorded
                    and first_seen <@ s.valid and kind = any($3)
            ) known
        ) k
        cross join lateral scoped_flags(
            s.account_id, s.status, case when s.before_change then '{}' else c.flags end, lower(s.valid),
            upper(s.valid), k.known_from
        ) f
        where s.account_id = any($1::bigint[]) and lower(s.valid) <= $2
        order by s.account_id, lower(s.valid), k.known_from
        """,
        account_ids,
        until,
        [kind.value for kind in DATED_SCOPES],
    )
    return await typed_rows(rows, _film_spell)


def _film_spell(r: Record) -> FilmSpell:
    return FilmSpell(
        account_id=r["account_id"],
        change_id=r["change_id"],
        state=state(r["status"], tuple(r["withheld_in"])),
        flags=flags_of(r["flags"]),
        onset_after=r["onset_after"],
        since=r["since"],
        until=r["until"],
        known_from=r["known_from"],
        known_until=r["known_until"],
    )


async def film_changes(conn: Conn, account_ids: Sequence[int], until: datetime) -> tuple[LiveChange, ...]:
    """Every change of these accounts first seen by `until`, superseded ones too, by when it was first seen.

    Of one that is not decided, `readings` is 1: `nearer` tells of the further ones.
    """
    rows = await conn.fetch(
        """
        select c.*, a.platform, o.outcome, o.reason, o.decided_at, o.last_agreeing_at,
            coalesce(o.readings, 1) as readings, told.mail_id, later.superseded_at
        from change c
        join account a using (account_id)
        left join change_outcome o using (change_id)
        left join (
            select supersedes, min(recorded_at) as superseded_at from change
            where supersedes is not null group by supersedes
        ) later on later.supersedes = c.change_id
        left join (
            -- One that was merged where no other told it: that leads to the one which tells it since.
            select a.change_id, coalesce(
                min(t.mail_id) filter (where m.merged_into is null and not exists (
                    select from mail part where part.merged_into = m.mail_id
                )),
                min(t.mail_id)
            ) as mail_id
            from alert a join mail_alert t using (alert_id) join mail m using (mail_id)
            group by a.change_id
        ) told on told.change_id = c.change_id
        where c.account_id = any($1::bigint[]) and c.first_seen_new <= $2
        order by c.first_seen_new, c.change_id
        """,
        account_ids,
        until,
    )
    return await typed_rows(rows, live_change)


async def whose(conn: Conn, change_ids: Sequence[int]) -> tuple[int, ...]:
    """The accounts of these changes, and those that have one which is not decided."""
    rows = await conn.fetch(
        """
        select account_id from change where change_id = any($1::bigint[])
        union select account_id from pending_change
        """,
        change_ids,
    )
    return tuple(r["account_id"] for r in rows)


async def nearer(conn: Conn, account_ids: Sequence[int]) -> tuple[Nearer, ...]:
    """How changes of these accounts came nearer to a decision, oldest first."""
    rows = await conn.fetch(
        """
        select s.change_id, s.recorded_at, s.agreeing
        from pending_step s join change c using (change_id)
        where c.account_id = any($1::bigint[]) order by s.recorded_at, s.change_id
        """,
        account_ids,
    )
    return tuple(Nearer(r["change_id"], r["recorded_at"], r["agreeing"]) for r in rows)


async def film_lists(conn: Conn) -> tuple[FilmList, ...]:
    rows = await conn.fetch("select list_id, name, created_at from watch_list order by list_id")
    return tuple(FilmList(r["list_id"], r["name"], r["created_at"]) for r in rows)


async def memberships(conn: Conn, account_ids: Sequence[int]) -> tuple[Membership, ...]:
    """Which lists these accounts are or were on, and when."""
    rows = await conn.fetch(
        """
        select list_id, account_id, added_at, removed_at from membership
        where account_id = any($1::bigint[]) order by list_id, account_id, added_at, membership_id
        """,
        account_ids,
    )
    return await typed_rows(
        rows, lambda r: Membership(r["list_id"], r["account_id"], r["added_at"], r["removed_at"])
    )


async def film_mails(
    conn: Conn, until: datetime, mail_ids: Sequence[int] | None = None
) -> tuple[FilmMail, ...]:
    """Mails about changes written by `until`, of these only (None: all), oldest first."""
    rows = await conn.fetch(
        """
        select m.mail_id, m.kind, m.subject, m.state, cardinality(m.recipients) as recipients, m.created_at,
            m.sent_at, m.merged_into, told.change_ids
        from mail m
        join (
            select t.mail_id, array_agg(distinct a.change_id order by a.change_id) as change_ids
            from mail_alert t join alert a using (alert_id) group by t.mail_id
        ) told using (mail_id)
        where m.created_at <= $1 and ($2::bigint[] is null or m.mail_id = any($2))
        order by m.created_at, m.mail_id
        """,
        until,
        mail_ids,
    )
    return tuple(
        FilmMail(
            mail_id=r["mail_id"],
            kind=MailKind(r["kind"]),
            subject=r["subject"],
            state=MailState(r["state"]),
            recipients=r["recipients"],
            created_at=r["created_at"],
            sent_at=r["sent_at"],
            merged_into=r["merged_into"],
            change_ids=tuple(r["change_ids"]),
        )
        for r in rows
    )
