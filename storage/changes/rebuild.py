"""Recomputing all spells from changes and outcomes, and comparing them with the stored spells.
`storage.changes.spells` explains what a spell is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.accounts.lookup import targets_of
from storage.changes.spells import effective_change, folded_spell
from storage.model.bitemporal.spell_fold import EffectiveChange, FoldedSpell, spells_of
from storage.model.text.target_counts import TargetCount
from storage.postgres.pool import Conn

_AT_ONCE = 1_000
"""Accounts kept in memory at one time."""


@dataclass(frozen=True, slots=True)
class RebuiltSpell:
    """A spell of an account, and the period in which the spell was believed, from `since` to before `until`.
    None as `until` means that the spell is still believed.
    """

    account_id: int
    spell: FoldedSpell
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    accounts: int
    """Number of accounts and posts with a spell."""
    spells: int
    """Number of recomputed spells, including those that are no longer believed."""
    missing: tuple[RebuiltSpell, ...]
    """Spells that were recomputed but are not stored."""
    surplus: tuple[RebuiltSpell, ...]
    """Spells that are stored but do not follow from any change."""
    posts: int = 0
    """How many of `accounts` are posts."""

    @property
    def differs(self) -> bool:
        return bool(self.missing or self.surplus)


@dataclass(frozen=True, slots=True)
class _Known:
    change: EffectiveChange
    decided_at: datetime
    superseded_at: datetime | None

    def at(self, moment: datetime) -> bool:
        return self.decided_at <= moment and (self.superseded_at is None or self.superseded_at > moment)


async def rebuild(conn: Conn, only: Sequence[int] | None = None) -> Rebuilt:
    """Recompute the spells of all accounts and compare them with the stored spells. `only` limits the
    accounts; None means all.

    Nothing is written. Other writers of spells wait until the transaction ends.
    """
    await conn.execute("lock table spell in share row exclusive mode")
    counted, spells, after = TargetCount(), 0, 0
    missing: list[RebuiltSpell] = []
    surplus: list[RebuiltSpell] = []
    while ids := [
        r["account_id"]
        for r in await conn.fetch(
            """
            select account_id from account
            where account_id > $1 and ($3::bigint[] is null or account_id = any($3))
            order by account_id limit $2
            """,
            after,
            _AT_ONCE,
            only,
        )
    ]:
        after = ids[-1]
        stored = await _stored(conn, ids)
        derived = {b for i, changes in (await _changes(conn, ids)).items() for b in _beliefs(i, changes)}
        counted += await targets_of(conn, {b.account_id for b in derived})
        spells += len(derived)
        missing += sorted(derived - stored, key=_order)
        surplus += sorted(stored - derived, key=_order)
    return Rebuilt(counted.total, spells, tuple(missing), tuple(surplus), counted.posts)


def _order(belief: RebuiltSpell) -> tuple[int, datetime, datetime]:
    return belief.account_id, belief.since, belief.spell.since


async def repair(conn: Conn, found: Rebuilt) -> None:
    """Make the stored spells match the recomputed spells. Call this in the transaction that
    computed `found`.
    """
    await conn.execute(
        """
        delete from spell s
        using unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) as u (account_id, since, recorded)
        where s.account_id = u.account_id and lower(s.valid) = u.since and lower(s.recorded) = u.recorded
        """,
        [b.account_id for b in found.surplus],
        [b.spell.since for b in found.surplus],
        [b.since for b in found.surplus],
    )
    await conn.execute(
        """
        insert into spell
            (account_id, change_id, status, withheld_in, onset_after, valid, recorded, before_change)
        select account_id, change_id, status, string_to_array(withheld_in, ' '), onset_after,
            tstzrange(since, until), tstzrange(known_from, known_until), before_change
        from unnest(
            $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
            $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::boolean[]
        ) as u (
            account_id, change_id, status, withheld_in, onset_after, since, until, known_from, known_until,
            before_change
        )
        """,
        [b.account_id for b in found.missing],
        [b.spell.change_id for b in found.missing],
        [b.spell.state.status.value for b in found.missing],
        [" ".join(b.spell.state.withheld_in) for b in found.missing],
        [b.spell.onset_after for b in found.missing],
        [b.spell.since for b in found.missing],
        [b.spell.until for b in found.missing],
        [b.since for b in found.missing],
        [b.until for b in found.missing],
        [b.spell.before_change for b in found.missing],
    )


async def _stored(conn: Conn, ids: Sequence[int]) -> set[RebuiltSpell]:
    rows = await conn.fetch(
        """
        select account_id, change_id, status, withheld_in, onset_after, lower(valid) as since,
            upper(valid) as until, before_change, lower(recorded) as known_from,
            upper(recorded) as known_until
        from spell where account_id = any($1::bigint[])
        """,
        ids,
    )
    return {RebuiltSpell(r["account_id"], folded_spell(r), r["known_from"], r["known_until"]) for r in rows}


async def _changes(conn: Conn, ids: Sequence[int]) -> dict[int, list[_Known]]:
    """Return every change that was ever confirmed, by account. Each comes with the period in which it counted
    as known.
    """
    rows = await conn.fetch(
        """
        select c.account_id, c.change_id, c.change_key, c.source, c.source = a.platform as is_own,
            c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.last_seen_old, c.first_seen_new,
            o.last_agreeing_at, o.decided_at, c.flags,
            (select min(l.recorded_at) from change l where l.supersedes = c.change_id) as superseded_at
        from change c join change_outcome o using (change_id) join account a using (account_id)
        where c.account_id = any($1::bigint[]) and o.outcome = 'confirmed'
        """,
        ids,
    )
    known: defaultdict[int, list[_Known]] = defaultdict(list)
    for r in rows:
        known[r["account_id"]].append(_known(r))
    return known


def _known(r: Record) -> _Known:
    return _Known(effective_change(r), r["decided_at"], r["superseded_at"])


def _beliefs(account_id: int, changes: Sequence[_Known]) -> Iterator[RebuiltSpell]:
    """Yield each spell that was ever believed about an account."""
    moments = {c.decided_at for c in changes} | {
        c.superseded_at for c in changes if c.superseded_at is not None
    }
    held: dict[FoldedSpell, datetime] = {}
    for moment in sorted(moments):
        derived = spells_of(c.change for c in changes if c.at(moment))
        for spell in held.keys() - set(derived):
            yield RebuiltSpell(account_id, spell, held.pop(spell), moment)
        held = {spell: held.get(spell, moment) for spell in derived}
    for spell, since in held.items():
        yield RebuiltSpell(account_id, spell, since, None)
