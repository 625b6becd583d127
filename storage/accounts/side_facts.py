"""Side facts: what was seen beside the status, by whom, and between which two looks it began and ended."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import SCOPE_FLAGS, Flag
from storage.model.core.side_facts import FactSighting, ObservedKind, SideFact
from storage.postgres.pool import Conn

Kind = Flag | ObservedKind


async def observe(
    conn: Conn, observer: str, sightings: Sequence[FactSighting], recorded_at: datetime | None = None
) -> int:
    """Take in what one observer saw (empty: the platform itself). Returns how many facts began or ended.

    A fact begins after `before`, the last look that did not show it, and ends after `before`, the last
    that did. Who took an account down was not looked at as long as `SCOPE_UNANSWERED` stands: what follows
    began after the look before. A look that is not later than what is stored of its account, or than its own
    `before`, changes nothing: it is a repeat, or came too late. `recorded_at` is now; None: the time of each
    look.
    """
    changed = 0
    for look in _rounds(sightings):
        changed += await _observe(conn, observer, look, recorded_at)
        await _announce_scope(conn, observer, look)
    return changed


async def open_facts(
    conn: Conn, platform: Platform, observer: str = "", only: Sequence[AccountId] | None = None
) -> dict[AccountId, frozenset[tuple[Kind, str]]]:
    """The facts that last when last seen by this observer, of every account that has one (or only of those
    named).
    """
    rows = await conn.fetch(
        """
        select f.account_id, f.kind, f.value from fact f join account a using (account_id)
        where a.platform = $1 and f.observer = $2 and f.first_absent is null
            and ($3::bigint[] is null or f.account_id = any($3))
        """,
        platform.value,
        observer,
        only,
    )
    out: dict[AccountId, set[tuple[Kind, str]]] = {}
    for r in rows:
        out.setdefault(AccountId(r["account_id"]), set()).add((_kind(r["kind"]), r["value"]))
    return {account_id: frozenset(facts) for account_id, facts in out.items()}


async def facts_of(conn: Conn, account_id: int) -> list[SideFact]:
    """Everything that anybody saw of an account beside its status, newest first."""
    rows = await conn.fetch(
        """
        select observer, kind, value, last_absent, first_seen, last_seen, first_absent from fact
        where account_id = $1 order by first_seen desc, fact_id desc
        """,
        account_id,
    )
    return [
        SideFact(
            AccountId(account_id),
            r["observer"],
            _kind(r["kind"]),
            r["value"],
            r["last_absent"],
            r["first_seen"],
            r["last_seen"],
            r["first_absent"],
        )
        for r in rows
    ]


def _kind(text: str) -> Kind:
    return ObservedKind(text) if text in _OBSERVED else Flag(text)


_TOLD_SCOPES = SCOPE_FLAGS - {Flag.SCOPE_UNANSWERED}
_OBSERVED = frozenset(kind.value for kind in ObservedKind)


def _rounds(sightings: Iterable[FactSighting]) -> list[dict[AccountId, FactSighting]]:
    """Looks in the order of time, so that each round has at most one of an account."""
    rounds: list[dict[AccountId, FactSighting]] = []
    seen: dict[AccountId, int] = {}
    for s in sorted(sightings, key=lambda s: s.at):
        turn = seen.get(s.account_id, 0)
        seen[s.account_id] = turn + 1
        if turn == len(rounds):
            rounds.append({})
        rounds[turn][s.account_id] = s
    return rounds


async def _observe(
    conn: Conn, observer: str, looks: Mapping[AccountId, FactSighting], recorded_at: datetime | None
) -> int:
    seen = [(s.account_id, kind.value, value) for s in looks.values() for kind, value in s.facts]
    return await conn.fetchval(
        """
        with asked as (
            select * from unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[])
                as u (account_id, at, before)
        ),
        seen as (
            select * from unnest($5::bigint[], $6::text[], $7::text[]) as u (account_id, kind, value)
        ),
        look as (
            select asked.account_id, at, before,
                case when u.fact_id is null then before else u.last_absent end as scope_before
            from asked
            left join fact u on u.account_id = asked.account_id and u.observer = $1
                and u.kind = 'scope_unanswered' and u.first_absent is null
            where (before is null or before < at) and not exists (
                select from fact f
                where f.account_id = asked.account_id and f.observer = $1
                    and greatest(f.first_seen, f.first_absent) >= asked.at
            )
        ),
        ended as (
            update fact f set first_absent = look.at, last_seen = case
                    when f.kind = any($9) then greatest(look.scope_before, f.first_seen)
                    else coalesce(look.before, f.first_seen)
                end
            from look
            where f.account_id = look.account_id and f.observer = $1 and f.first_absent is null
                and not exists (
                    select from seen s
                    where (s.account_id, s.kind, s.value) = (f.account_id, f.kind, f.value)
                )
            returning 1
        ),
        begun as (
            insert into fact (account_id, observer, kind, value, last_absent, first_seen, recorded_at)
            select look.account_id, $1, seen.kind, seen.value,
                case when seen.kind = any($9) then look.scope_before else look.before end, look.at,
                coalesce($8, look.at)
            from look join seen using (account_id)
            on conflict (account_id, observer, kind, value) where first_absent is null do nothing
            returning 1
        )
        select (select count(*) from ended) + (select count(*) from begun)
        """,
        observer,
        list(looks),
        [s.at for s in looks.values()],
        [s.before for s in looks.values()],
        [account_id for account_id, _, _ in seen],
        [kind for _, kind, _ in seen],
        [value for _, _, value in seen],
        recorded_at,
        [kind.value for kind in _TOLD_SCOPES],
    )


async def _announce_scope(conn: Conn, observer: str, looks: Mapping[AccountId, FactSighting]) -> None:
    """Have open pages take up who took an account down, where that was seen after its status was."""
    seen = [s for s in looks.values() if any(kind in SCOPE_FLAGS for kind, _ in s.facts)]
    if observer or not seen:
        return
    await conn.execute(
        """
        select announce('outcome', s.change_id)
        from unnest($1::bigint[], $2::timestamptz[]) as u (account_id, at)
        join spells_now() s on s.account_id = u.account_id
        where lower(s.valid) < u.at and exists (
            select from fact f
            where f.account_id = u.account_id and f.observer = '' and f.kind = any($3) and f.first_seen = u.at
        )
        """,
        [s.account_id for s in seen],
        [s.at for s in seen],
        [kind.value for kind in SCOPE_FLAGS],
    )
