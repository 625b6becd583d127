"""Spells: the periods in which an account kept one state, according to its confirmed changes.

The table `spell` is derived entirely from `change` and `change_outcome`. Each row also records when the spell
was believed. If a spell proves wrong, the belief ends and a new row begins; the old row stays.
`storage.changes.rebuild` recomputes the whole table and compares.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from asyncpg import Record

from storage.model.bitemporal.spell_fold import EffectiveChange, FoldedSpell, spells_of
from storage.model.core.availability import Flag, State, Status
from storage.postgres.pool import Conn, StaleState

_AT_ONCE = 2_000
"""Accounts kept in memory at one time."""


async def lock(conn: Conn, account_ids: Sequence[int]) -> None:
    """Make other writers of changes and spells of these accounts wait until the transaction ends."""
    await conn.execute(
        "select from account where account_id = any($1::bigint[]) order by account_id for no key update",
        list(account_ids),
    )


async def moments(conn: Conn, account_ids: Sequence[int], now: datetime) -> dict[int, datetime]:
    """Return, by account, the time from which a decision made now counts as known. This is `now`, or just
    after the account's last decision if that decision is later. Locks the accounts.

    Clocks differ, but two beliefs about an account must not begin at the same time.
    """
    await lock(conn, account_ids)
    rows = await conn.fetch(
        """
        select u.account_id, greatest($2, last.at + interval '1 microsecond') as at
        from unnest($1::bigint[]) as u (account_id)
        cross join lateral (
            select max(decided.at) as at from (
                select greatest(lower(s.recorded), upper(s.recorded)) as at
                from spell s where s.account_id = u.account_id
                union all
                select least(
                    greatest(o.decided_at, case when c.supersedes is not null then c.recorded_at end),
                    -- A row that a wrong clock dated and that was set aside does not count beyond that.
                    (select min(later.recorded_at) from change later where later.supersedes = c.change_id)
                )
                from change c
                left join change_outcome o on o.change_id = c.change_id and o.outcome = 'confirmed'
                where c.account_id = u.account_id
            ) decided
        ) last
        """,
        sorted(set(account_ids)),
        now,
    )
    return {r["account_id"]: r["at"] for r in rows}


async def project(conn: Conn, account_ids: Sequence[int], now: datetime) -> None:
    """Make the spells of these accounts match their confirmed changes. Spells that are still right are left
    unchanged.

    The new spells count as known from `now`, which must not be earlier than the times from `moments`.
    """
    ids = sorted(set(account_ids))
    for start in range(0, len(ids), _AT_ONCE):
        await _project(conn, ids[start : start + _AT_ONCE], now)


async def _project(conn: Conn, ids: Sequence[int], now: datetime) -> None:
    believed = await _believed(conn, ids)
    expected = {i: spells_of(changes) for i, changes in (await _effective(conn, ids)).items()}
    ended = [
        spell_id
        for account_id, rows in believed.items()
        for spell, spell_id in rows.items()
        if spell not in expected.get(account_id, ())
    ]
    begun = [
        (account_id, spell)
        for account_id, spells in expected.items()
        for spell in spells
        if spell not in believed.get(account_id, {})
    ]
    if ended:
        await conn.execute(
            """
            update spell set recorded = tstzrange(lower(recorded), $2) where spell_id = any($1::bigint[])
            """,
            ended,
            now,
        )
    if begun:
        await conn.execute(
            """
            insert into spell
                (account_id, change_id, status, withheld_in, onset_after, valid, recorded, before_change)
            select account_id, change_id, status, string_to_array(withheld_in, ' '), onset_after,
                tstzrange(since, until), tstzrange($8, null), before_change
            from unnest(
                $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                $7::timestamptz[], $9::boolean[]
            ) as u (account_id, change_id, status, withheld_in, onset_after, since, until, before_change)
            """,
            [account_id for account_id, _ in begun],
            [s.change_id for _, s in begun],
            [s.state.status.value for _, s in begun],
            [" ".join(s.state.withheld_in) for _, s in begun],
            [s.onset_after for _, s in begun],
            [s.since for _, s in begun],
            [s.until for _, s in begun],
            now,
            [s.before_change for _, s in begun],
        )


async def append(conn: Conn, change_ids: Sequence[int]) -> None:
    """Add newly confirmed changes to the spells, at most one change per account. Each counts as known from
    the time at which it was confirmed.

    Usually, the open spell ends and a new one begins. In all other cases, for example if the account has
    several sources or corrected changes, `project` computes its spells.
    """
    rows = await conn.fetch(
        """
        select c.account_id, c.change_id, o.decided_at, s.spell_id,
            (c.status, c.withheld_in) is distinct from (s.status, s.withheld_in)
            and c.old_status is not distinct from s.status
            and c.old_withheld_in = coalesce(s.withheld_in, '{}')
            and c.first_seen_new > coalesce(lower(s.valid), '-infinity')
            and not exists (
                select from change other
                where other.account_id = c.account_id
                    and (other.source <> c.source or other.supersedes is not null)
            ) as is_plain
        from change c join change_outcome o using (change_id)
        left join spells_now() s on s.account_id = c.account_id
        where c.change_id = any($1::bigint[])
        """,
        change_ids,
    )
    plain = [r for r in rows if r["is_plain"]]
    if plain:
        await _append_plain(
            conn, [r["change_id"] for r in plain], [r["spell_id"] for r in plain if r["spell_id"]]
        )
    others: defaultdict[datetime, list[int]] = defaultdict(list)
    for r in rows:
        if not r["is_plain"]:
            others[r["decided_at"]].append(r["account_id"])
    for decided_at, account_ids in sorted(others.items()):
        await project(conn, account_ids, decided_at)


async def _append_plain(conn: Conn, change_ids: Sequence[int], spell_ids: Sequence[int]) -> None:
    ended = await conn.fetch(
        """
        update spell s set recorded = tstzrange(lower(s.recorded), o.decided_at)
        from change c join change_outcome o using (change_id)
        where c.change_id = any($1::bigint[]) and s.account_id = c.account_id
            and s.spell_id = any($2::bigint[]) and upper_inf(s.recorded)
        returning s.spell_id
        """,
        change_ids,
        spell_ids,
    )
    if len(ended) != len(spell_ids):
        raise StaleState(f"Another transaction changed {len(spell_ids) - len(ended)} status periods first.")
    await conn.execute(
        """
        insert into spell
            (account_id, change_id, status, withheld_in, onset_after, valid, recorded, before_change)
        select s.account_id, s.change_id, s.status, s.withheld_in, s.onset_after,
            tstzrange(lower(s.valid), c.first_seen_new), tstzrange(o.decided_at, null), s.before_change
        from change c
        join change_outcome o using (change_id)
        join spell s on s.account_id = c.account_id and s.spell_id = any($2::bigint[])
        where c.change_id = any($1::bigint[])
        union all
        select c.account_id, c.change_id, c.status, c.withheld_in, c.last_seen_old,
            tstzrange(c.first_seen_new, null), tstzrange(o.decided_at, null), false
        from change c join change_outcome o using (change_id) where c.change_id = any($1::bigint[])
        """,
        change_ids,
        spell_ids,
    )


async def _believed(conn: Conn, ids: Sequence[int]) -> Mapping[int, Mapping[FoldedSpell, int]]:
    """Return the spells that are believed now, by account. Each spell is mapped to its id."""
    rows = await conn.fetch(
        """
        select spell_id, account_id, change_id, status, withheld_in, onset_after, lower(valid) as since,
            upper(valid) as until, before_change
        from spell where account_id = any($1::bigint[]) and upper_inf(recorded)
        """,
        ids,
    )
    believed: defaultdict[int, dict[FoldedSpell, int]] = defaultdict(dict)
    for r in rows:
        believed[r["account_id"]][folded_spell(r)] = r["spell_id"]
    return believed


def folded_spell(r: Record) -> FoldedSpell:
    """Convert a row of `spell` to a spell, without the period in which it was believed."""
    state = _state(r["status"], tuple(r["withheld_in"]))
    return FoldedSpell(r["change_id"], state, r["onset_after"], r["since"], r["until"], r["before_change"])


async def _effective(conn: Conn, ids: Sequence[int]) -> Mapping[int, Sequence[EffectiveChange]]:
    rows = await conn.fetch(
        """
        select c.account_id, c.change_id, c.change_key, c.source, c.source = a.platform as is_own,
            c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.last_seen_old, c.first_seen_new,
            o.last_agreeing_at, c.flags
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where c.account_id = any($1::bigint[]) and o.outcome = 'confirmed'
        """,
        ids,
    )
    changes: defaultdict[int, list[EffectiveChange]] = defaultdict(list)
    for r in rows:
        changes[r["account_id"]].append(effective_change(r))
    return changes


def effective_change(r: Record) -> EffectiveChange:
    """Convert a row of a confirmed change to the form that `spells_of` takes."""
    old = r["old_status"]
    return EffectiveChange(
        change_id=r["change_id"],
        change_key=r["change_key"],
        source=r["source"],
        is_own=r["is_own"],
        old=None if old is None else _state(old, tuple(r["old_withheld_in"])),
        new=_state(r["status"], tuple(r["withheld_in"])),
        last_seen_old=r["last_seen_old"],
        first_seen_new=r["first_seen_new"],
        last_agreeing_at=r["last_agreeing_at"],
        by_day=Flag.DAY_ONLY in r["flags"],
    )


@lru_cache(maxsize=1_000)
def _state(status: str, withheld_in: tuple[str, ...]) -> State:
    """Cached, because nearly all rows share a few states."""
    return State(Status(status), withheld_in)
