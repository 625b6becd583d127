"""What the planner learned outlives the process: it is kept every few minutes, and taken up at the start."""

import logging
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from jobs.planning.adaptive_planner import AdaptivePlanner
from jobs.planning.change_rates import Learned, Prior
from jobs.planning.daily_cost_guard import CostLimitGuard
from storage.model.core.accounts import AccountId, Platform
from storage.postgres.pool import Conn, Pool, transaction
from storage.work import planner_state

log = logging.getLogger(__name__)

_EVERY = timedelta(minutes=5)
_LEARNED = TypeAdapter(Learned)


class PlannerMemory:
    def __init__(
        self,
        pool: Pool,
        platform: Platform,
        planner: AdaptivePlanner,
        cost_limit: CostLimitGuard | None = None,
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._planner = planner
        self._cost_limit = cost_limit
        self._kept_at: datetime | None = None

    async def load(self, conn: Conn, edited: Collection[AccountId] | None = None) -> None:
        """Give the planner what is on record. What cannot be read any more is learned again. If only some
        accounts were `edited`, the planner holds the others already.
        """
        learned: dict[str, Learned] = {}
        on_record, saved_at = await planner_state.load_learned(conn, self._platform)
        for place, one in on_record.items():
            if (usable := _usable(one, self._planner.prior)) is not None:
                learned[place] = usable
            else:
                where = " ".join(filter(None, (self._platform.value, place)))
                log.warning(
                    "The stored change rates of %s cannot be used; the planner learns them again.",
                    where,
                    extra={"event": "planner_state_dropped", "place": where},
                )
        by_another = saved_at != self._kept_at
        changed_at = await planner_state.last_changes(conn, self._platform, None if by_another else edited)
        days = None if self._cost_limit is None else self._cost_limit.days
        promises = await planner_state.guaranteed_intervals(conn)
        self._planner.remember(changed_at, learned, promises, days, by_another=by_another)

    async def keep(self, now: datetime) -> None:
        """Write down what was learned, if that was not done lately, and how it stands with a ceiling."""
        if self._cost_limit is not None:
            await self._cost_limit.keep(now)
        if self._kept_at is not None and now - self._kept_at < _EVERY:
            return
        learned = {place: asdict(one) for place, one in self._planner.learned().items()}
        async with transaction(self._pool) as conn:
            await planner_state.save_learned(conn, self._platform, learned, now)
        self._kept_at = now


def _usable(stored: object, prior: Prior) -> Learned | None:
    """None for what another version wrote, or what is damaged."""
    try:
        learned = _LEARNED.validate_python(stored)
    except ValidationError:
        return None
    return learned if learned.is_of(prior) else None
