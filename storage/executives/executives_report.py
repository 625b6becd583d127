"""Read models of executives: people with their accounts, what of them can be seen, and their acts.

A person is whoever has one name: there is no table of people. An act that is probably none (a rename taken
for an unfollow and a follow) is listed with its doubt, and counted nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import Platform
from storage.model.core.signals import NO_ACT, Doubt, SignalKind
from storage.model.platforms.registry import FEDERATED
from storage.postgres.pool import Conn

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class AccessSpan:
    """Whether a kind of act could be seen for a time, as was found at its beginning, and why (not)."""

    kind: SignalKind
    since: datetime
    until: datetime | None
    """None: as was last found."""
    observable: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PersonAccount:
    account_id: int
    platform: Platform
    native_id: str
    handle: str
    title: str
    last_polled_at: datetime | None
    recent: int
    """Acts of the last 30 days."""
    acts: int
    first_at: datetime | None
    """When the first act that is on file was made, or seen where that is not known."""
    last_at: datetime | None
    access: tuple[AccessSpan, ...]
    """Oldest first; none of a kind of which nothing was found out about this account."""


@dataclass(frozen=True, slots=True)
class ExecutivePerson:
    """Whoever has this name, on as many platforms as there are accounts."""

    name: str
    accounts: tuple[PersonAccount, ...]

    @property
    def account_ids(self) -> list[int]:
        return [a.account_id for a in self.accounts]


async def people(conn: Conn, now: datetime) -> tuple[ExecutivePerson, ...]:
    """Everybody whose acts are on file, by name."""
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.native_id, a.handle, e.name, e.title, e.last_polled_at,
            coalesce(s.recent, 0) as recent, coalesce(s.acts, 0) as acts, s.first_at, s.last_at
        from executive e join account a using (account_id)
        left join (
            select account_id, count(*) as acts, min(coalesce(made_at, first_seen_at)) as first_at,
                max(coalesce(made_at, first_seen_at)) as last_at,
                count(*) filter (
                    where coalesce(made_at, first_seen_at) > $1 and coalesce(made_at, first_seen_at) <= $2
                ) as recent
            from signal where not doubts @> array[$3::text] group by 1
        ) s using (account_id)
        order by lower(e.name), e.name, a.account_id
        """,
        now - RECENT,
        now,
        NO_ACT.value,
    )
    access = await access_spans(conn)
    found: dict[str, list[PersonAccount]] = {}
    for r in rows:
        found.setdefault(r["name"], []).append(
            PersonAccount(
                account_id=r["account_id"],
                platform=Platform(r["platform"]),
                native_id=r["native_id"],
                handle=r["handle"],
                title=r["title"],
                last_polled_at=r["last_polled_at"],
                recent=r["recent"],
                acts=r["acts"],
                first_at=r["first_at"],
                last_at=r["last_at"],
                access=tuple(access.get(r["account_id"], ())),
            )
        )
    return tuple(ExecutivePerson(name, tuple(accounts)) for name, accounts in found.items())


async def access_spans(conn: Conn) -> dict[int, list[AccessSpan]]:
    """What was found of which acts of each executive can be seen, by account; oldest first of each kind."""
    rows = await conn.fetch(
        """
        select account_id, kind, since, observable, reason,
            lead(since) over (partition by account_id, kind order by since) as until
        from signal_access order by account_id, kind, since
        """
    )
    out: dict[int, list[AccessSpan]] = {}
    for r in rows:
        span = AccessSpan(SignalKind(r["kind"]), r["since"], r["until"], r["observable"], r["reason"])
        out.setdefault(r["account_id"], []).append(span)
    return out


@dataclass(frozen=True, slots=True)
class Target:
    """Whose post it was, or who was followed, where that is an account on file."""

    account_id: int
    handle: str
    lists: tuple[str, ...]
    orders: tuple[str, ...]
    """Titles of the orders that name it."""


@dataclass(frozen=True, slots=True)
class ExecutiveSignal:
    signal_id: int
    account_id: int
    kind: SignalKind
    at: datetime
    """When it was made, where that is known; else when it was first seen."""
    made_at: datetime | None
    made_after: datetime | None
    first_seen_at: datetime
    target_author_id: str | None
    target: Target | None
    doubts: tuple[str, ...]
    source: str
    words: tuple[str, ...]
    """Those words of orders that it holds."""

    @property
    def counts(self) -> bool:
        return NO_ACT not in self.doubts


async def acts(
    conn: Conn, account_ids: Sequence[int], since: datetime, until: datetime, limit: int
) -> tuple[ExecutiveSignal, ...]:
    """The newest acts of these executives in a period, newest first, at most so many."""
    rows = await conn.fetch(
        """
        select s.signal_id, s.account_id, a.platform, s.kind, s.made_at, s.made_after, s.first_seen_at,
            coalesce(s.made_at, s.first_seen_at) as at, s.target_author_id, s.doubts, s.source,
            array(select w.word from signal_word w where w.signal_id = s.signal_id order by 1) as words
        from signal s join account a using (account_id)
        where s.account_id = any($1::bigint[]) and coalesce(s.made_at, s.first_seen_at) between $2 and $3
        order by coalesce(s.made_at, s.first_seen_at) desc, s.signal_id desc limit $4
        """,
        account_ids,
        since,
        until,
        limit,
    )
    wanted = {(r["platform"], r["target_author_id"]) for r in rows if r["target_author_id"] is not None}
    targets = await _targets(conn, sorted(wanted))
    return tuple(
        ExecutiveSignal(
            signal_id=r["signal_id"],
            account_id=r["account_id"],
            kind=SignalKind(r["kind"]),
            at=r["at"],
            made_at=r["made_at"],
            made_after=r["made_after"],
            first_seen_at=r["first_seen_at"],
            target_author_id=r["target_author_id"],
            target=targets.get((r["platform"], r["target_author_id"])),
            doubts=tuple(r["doubts"]),
            source=r["source"],
            words=tuple(r["words"]),
        )
        for r in rows
    )


async def _targets(conn: Conn, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Target]:
    """Those of the targets that are on file. Federated platforms name them by actor URI or by name@host.

    A target that two accounts on file fit, as after a server was set up again, is left out: which one was
    meant is not known.
    """
    rows = await conn.fetch(
        """
        with wanted as (select * from unnest($1::text[], $2::text[]) as u (platform, key)),
        found as (
            select w.platform, w.key, t.account_id from wanted w
            join account t on t.platform = w.platform and t.native_id = w.key
            union
            select w.platform, w.key, t.account_id from wanted w
            join account t on t.platform = w.platform
                and w.key in (split_part(t.native_id, '#', 1), lower(t.handle))
            where w.platform = any($3::text[])
        ),
        one as (
            select platform, key, min(account_id) as account_id from found group by 1, 2 having count(*) = 1
        )
        select f.platform, f.key, t.account_id, t.handle,
            array(
                select l.name from watch_list l join watch_list_member m using (list_id)
                where m.account_id = t.account_id order by l.list_id
            ) as lists,
            array(
                select o.title from legal_order o
                where exists (
                    select from watch_list_member m
                    where m.list_id = o.list_id and m.account_id = t.account_id
                ) or exists (
                    select from order_name n where n.order_id = o.order_id and n.account_id = t.account_id
                )
                order by o.issued_at, o.order_id
            ) as orders
        from one f join account t using (account_id)
        """,
        [platform for platform, _ in wanted],
        [key for _, key in wanted],
        FEDERATED,
    )
    return {
        (r["platform"], r["key"]): Target(r["account_id"], r["handle"], tuple(r["lists"]), tuple(r["orders"]))
        for r in rows
    }


@dataclass(frozen=True, slots=True)
class SignalCount:
    """How many of a kind in one step of time."""

    start: datetime
    kind: str
    n: int


async def counts_of_acts(
    conn: Conn, account_ids: Sequence[int], since: datetime, until: datetime, step: timedelta
) -> tuple[SignalCount, ...]:
    """Acts by kind in each step of time that has any, counted from `since`."""
    rows = await conn.fetch(
        """
        select date_bin($4::interval, coalesce(made_at, first_seen_at), $2) as start, kind, count(*) as n
        from signal
        where account_id = any($1::bigint[]) and coalesce(made_at, first_seen_at) between $2 and $3
            and not doubts @> array[$5::text]
        group by 1, 2 order by 1, 2
        """,
        account_ids,
        since,
        until,
        step,
        NO_ACT.value,
    )
    return tuple(SignalCount(r["start"], r["kind"], r["n"]) for r in rows)


async def doubts_of_acts(conn: Conn, account_ids: Sequence[int]) -> dict[Doubt, int]:
    """How many acts of all time have which doubt."""
    rows = await conn.fetch(
        """
        select doubt, count(*) as n from signal, unnest(doubts) as doubt
        where account_id = any($1::bigint[]) group by 1 order by 1
        """,
        account_ids,
    )
    return {Doubt(r["doubt"]): r["n"] for r in rows}
