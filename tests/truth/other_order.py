"""The same answers in another order: a database that gets all of them late tells what the first one tells."""

import random

from jobs.collect.late_readings import record_late
from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Reading
from storage.model.core.coverage import Batch, BatchOutcome, is_answered
from storage.postgres.pool import Pool, transaction
from tests.truth.installation import Installation

_COPIED = ("account", "watch_list", "membership", "watch_period", "roster", "country_scope")
_TOLD = {
    "changes": """
        select a.native_id, c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.kind, c.strength,
            c.last_seen_old, c.first_seen_new, c.flags, o.reason, o.readings, o.last_agreeing_at
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where o.reason <> 'corrected' order by a.native_id, c.first_seen_new, o.last_agreeing_at
    """,
    "pending": """
        select a.native_id, c.status, c.withheld_in, c.last_seen_old, c.first_seen_new, p.agreeing,
            p.last_agreeing_at
        from pending_change p join change c using (change_id) join account a on a.account_id = c.account_id
        order by a.native_id
    """,
    "spells": """
        select a.native_id, s.status, s.withheld_in, lower(s.valid), upper(s.valid), s.onset_after
        from spell s join account a using (account_id)
        where upper_inf(s.recorded) order by a.native_id, lower(s.valid)
    """,
}


async def copy_without_readings(here: Pool, there: Pool) -> None:
    """Make an empty database the same installation, which has read nothing."""
    async with transaction(here) as source, transaction(there) as target:
        await target.execute("alter table account disable trigger account_watch_period")
        for name in _COPIED:
            columns = [
                r["column_name"]
                for r in await source.fetch(
                    """
                    select column_name from information_schema.columns
                    where table_name = $1 and is_generated = 'NEVER' order by ordinal_position
                    """,
                    name,
                )
            ]
            rows = await source.fetch(f"select {', '.join(columns)} from {name}")  # noqa: S608 - our own names
            await target.copy_records_to_table(name, records=[tuple(r) for r in rows], columns=columns)
        await target.execute("alter table account enable trigger account_watch_period")


async def hand_in(here: Installation, there: Pool, rng: random.Random) -> None:
    """Bring every request that is stored here to the other database, in any order."""
    rows = await here.pool.fetch("select * from coverage order by observed_at")
    rosters = {
        r["roster_id"]: [AccountId(i) for i in r["account_ids"]]
        for r in await here.pool.fetch("select roster_id, account_ids from roster")
    }
    names = {account_id: name for name, account_id in here.ids.items()}
    rng.shuffle(rows)
    for r in rows:
        batch = Batch(
            *(r["roster_id"], r["slot"], r["attempt"], r["observed_at"], BatchOutcome(r["outcome"])),
            *(r["missed_reason"], r["answered"], r["latency_ms"]),
            silent=tuple(r["silent"] or ()),
        )
        readings: dict[AccountId, Reading] = {}
        if batch.outcome is BatchOutcome.ANSWERED:
            shown = {x.native_id: x for x in here.answers[r["roster_id"], r["slot"], r["attempt"]].readings}
            readings = {
                account_id: shown[names[account_id]]
                for position, account_id in enumerate(rosters[r["roster_id"]])
                if is_answered(batch.answered, position)
            }
        await record_late(there, batch, readings, ConfirmationRule(), here.clock)


async def differences(here: Installation, there: Pool) -> list[str]:
    """What the two tell otherwise."""
    wrong: list[str] = []
    for name, query in _TOLD.items():
        ours = [tuple(r) for r in await here.pool.fetch(query)]
        theirs = [tuple(r) for r in await there.fetch(query)]
        wrong += [f"only in order, {name}: {row}" for row in ours if row not in theirs]
        wrong += [f"only shuffled, {name}: {row}" for row in theirs if row not in ours]
    return wrong
