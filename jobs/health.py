"""Whether a collector works: kept in the database, logged at the first failure and at the recovery."""

import logging
from datetime import datetime

from collectors.base import Trouble
from jobs.gate import Gate
from storage import collectors
from storage.db import Pool, transaction
from storage.model.accounts import Platform
from storage.model.availability import MissedReason

log = logging.getLogger(__name__)


class Health:
    """The gate of one collector, as stored: a restarted monitor waits as long as a killed one would have."""

    def __init__(self, pool: Pool, platform: Platform) -> None:
        self.gate = Gate()
        self._pool = pool
        self._platform = platform
        self._since: datetime | None = None

    async def load(self) -> None:
        async with transaction(self._pool) as conn:
            state = await collectors.load_state(conn, self._platform)
        if state is not None and not state.healthy:
            self._since = state.since
            reason = None if state.reason is None else MissedReason(state.reason)
            self.gate = Gate(failures=1, closed_until=state.retry_at, reason=reason, detail=state.detail)

    async def note(self, trouble: Trouble | None, at: datetime) -> None:
        """Take in how a request went; store it when the collector stops, waits longer, or works again."""
        before, self.gate = self.gate, self.gate.after(trouble, at)
        if self.gate.closed_until == before.closed_until:
            return
        if self.gate.closed_until is None:
            log.warning("The %s collector works again.", self._platform)
            self._since = None
        elif self._since is None:
            log.warning(
                "The %s collector pauses (%s): %s", self._platform, self.gate.reason, self.gate.detail
            )
            self._since = at
        state = collectors.CollectorState(
            platform=self._platform,
            healthy=self._since is None,
            reason=self.gate.reason and self.gate.reason.value,
            detail=self.gate.detail,
            since=self._since or at,
            retry_at=self.gate.closed_until,
        )
        async with transaction(self._pool) as conn:
            await collectors.save_state(conn, state)
