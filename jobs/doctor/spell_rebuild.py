"""Rebuild all spells from the recorded changes, and replace those that differ."""

from dataclasses import dataclass
from datetime import datetime

from jobs.config.database import ready
from jobs.config.settings import Settings
from storage.changes.rebuild import Rebuilt, RebuiltSpell, rebuild, repair
from storage.model.text.target_counts import TargetCount
from storage.postgres.pool import open_pool, transaction


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """The result of a rebuild."""

    found: Rebuilt

    @property
    def sentence(self) -> str:
        f = self.found
        whose = TargetCount(f.accounts - f.posts, f.posts).words()
        rebuilt = f"{f.spells:,} status periods of {whose} were rebuilt from their changes; "
        if not f.differs:
            return rebuilt + "none differed."
        return rebuilt + f"{len(f.missing):,} missing and {len(f.surplus):,} wrong periods were corrected."

    def as_json(self) -> dict[str, object]:
        f = self.found
        return {
            "accounts": f.accounts,
            "spells": f.spells,
            "replaced": f.differs,
            "missing": [_object(b) for b in f.missing],
            "surplus": [_object(b) for b in f.surplus],
        }


async def rebuild_spells(settings: Settings, dsn: str) -> RebuildReport:
    """Compare, and replace what differs, in one transaction. A running monitor waits for it."""
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        found = await rebuild(conn)
        if found.differs:
            await repair(conn, found)
    return RebuildReport(found)


def _object(belief: RebuiltSpell) -> dict[str, object]:
    spell = belief.spell
    return {
        "account": belief.account_id,
        "change": spell.change_id,
        "before_change": spell.before_change,
        "status": spell.state.status.value,
        "withheld_in": list(spell.state.withheld_in),
        "onset_after": _time(spell.onset_after),
        "since": _time(spell.since),
        "until": _time(spell.until),
        "known_from": _time(belief.since),
        "known_until": _time(belief.until),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
