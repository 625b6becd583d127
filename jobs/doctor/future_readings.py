"""Set aside readings that a wrong clock dated in the future, and correct the changes based on them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from collectors.core.findings import FindingLevel
from jobs.base.clock import Clock
from jobs.base.errors import CommandError
from jobs.base.wording import number
from jobs.collect.late_readings import recompute_changes
from jobs.config.database import ready
from jobs.config.settings import Settings
from jobs.detect.confirmation import ConfirmationRule
from jobs.doctor.doctor import database_findings
from storage.accounts.accounts import announce_watch, lock_all
from storage.accounts.lookup import targets_of
from storage.changes import wrongly_dated
from storage.model.text.target_counts import TargetCount
from storage.postgres.audit_log import log
from storage.postgres.pool import Pool, open_pool, transaction
from storage.postgres.recording_order import moment_after_wrong_clock
from storage.readings.set_aside import forget_later_times, set_aside

CLOCKS_MAY_DIFFER: Final = timedelta(minutes=1)
"""The monitor does not start if a reading is dated further than this in the future."""


@dataclass(frozen=True, slots=True)
class AsideReport:
    """The result. `first` and `last` are None if no request was dated later than `now`."""

    now: datetime
    batches: int = 0
    first: datetime | None = None
    last: datetime | None = None
    corrected: int = 0
    """Accounts and posts whose changes were corrected: withdrawn, provisional again, or with new dates."""
    posts: int = 0
    """Those of them that are posts."""

    @property
    def sentence(self) -> str:
        clock = f"This clock shows {_minute(self.now)}"
        if self.first is None or self.last is None:
            said = "No request is dated later" if self.corrected else "No reading is dated later"
        else:
            said = (
                f"{number(self.batches, 'request')} dated {_minute(self.first)} to {_minute(self.last)} "
                f"{'was' if self.batches == 1 else 'were'} set aside"
            )
        whose = TargetCount(self.corrected - self.posts, self.posts).words()
        done = f"The changes of {whose} were corrected." if self.corrected else "No change was corrected."
        return f"{clock}. {said}. {done}"

    def as_json(self) -> dict[str, object]:
        return {
            "batches": self.batches,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "corrected": self.corrected,
        }


async def set_aside_readings(settings: Settings, dsn: str, clock: Clock) -> AsideReport:
    """Run `set_aside_future` for the command line.

    Raises CommandError if this clock and that of the database differ, because then one is wrong. A clock that
    is behind would set aside correct readings.
    """
    await ready(settings, dsn)
    own = settings.database_url is None
    wrong = [f for f in await database_findings(dsn, clock, own=own) if f.verdict is FindingLevel.MEND]
    if wrong:
        raise CommandError(f"Nothing was set aside. {wrong[0].said}")
    async with open_pool(dsn, max_size=1) as pool:
        return await set_aside_future(pool, clock)


async def set_aside_future(pool: Pool, clock: Clock) -> AsideReport:
    """Set aside readings dated later than this clock, in one transaction, with an entry in the audit log.

    The caller makes sure that the clock is right. A second call finds nothing left to do.
    """
    async with transaction(pool) as conn:
        await lock_all(conn)
        now = await moment_after_wrong_clock(conn, clock)
        after = now + CLOCKS_MAY_DIFFER
        gone = await set_aside(conn, after, now)
        resting = await wrongly_dated.resting_on_later(conn, after)
        again = await recompute_changes(conn, resting, after, ConfirmationRule(), now)
        restated = await wrongly_dated.restate(conn, after, now)
        corrected = sorted({*again, *restated})
        posts = (await targets_of(conn, corrected)).posts
        report = AsideReport(now, gone.batches, gone.first, gone.last, len(corrected), posts)
        if not gone.batches and not corrected:
            return report
        await wrongly_dated.rebuild_spells(conn, corrected)
        await forget_later_times(conn, after, now)
        await log(conn, now, "command line", "readings set aside", "coverage", report.as_json())
        await announce_watch(conn)
    return report


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
