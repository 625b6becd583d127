"""Reading the public profiles of whom labels are about, to show who they are. No status follows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.core.abilities import PublicProfiles
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from storage.countries.labeled_profiles import LabeledProfile, record_profiles, subjects_without_profile
from storage.model.core.accounts import Platform
from storage.model.core.labels import LabeledKind
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Pool, transaction

PAUSE: Final = timedelta(seconds=10)
"""Between two requests: 20,000 accounts take two hours and a quarter at 25 each."""
_IDLE: Final = timedelta(minutes=1)
_KEPT: Final = timedelta(days=30)
"""How long a profile counts as known."""
_TRY_AGAIN_AFTER: Final = timedelta(days=1)


class LabeledProfiles:
    """Asks for profiles of the accounts and of the authors of the posts that labelers withhold, one request
    after the other. See `jobs.base.periodic_task.PeriodicTask`.
    """

    def __init__(self, pool: Pool, platform: Platform, profiles: PublicProfiles, clock: Clock) -> None:
        self._pool = pool
        self._platform = platform
        self._profiles = profiles
        self._clock = clock
        self._due: datetime | None = None
        self._refused_at: dict[str, datetime] = {}
        """Subjects of requests that were refused for what they ask, and not for how often."""

    async def load(self) -> None:
        self._due = datetime.min.replace(tzinfo=UTC)

    def next_due(self) -> datetime | None:
        return self._due

    async def tick(self) -> None:
        now = self._clock()
        refused = {one: at for one, at in self._refused_at.items() if now < at + _TRY_AGAIN_AFTER}
        self._refused_at = refused
        most = self._profiles.most_profiles
        async with transaction(self._pool) as conn:
            found = await subjects_without_profile(conn, self._platform, now - _KEPT, most + len(refused))
        account_of = {
            subject: self._account_of(subject, kind) for subject, kind in found if subject not in refused
        }
        asked = dict(list(account_of.items())[:most])
        self._due = now + (PAUSE if asked else _IDLE)
        if asked:
            await self._ask(asked, now)

    async def _ask(self, account_of: dict[str, str | None], now: datetime) -> None:
        """`account_of` names the account whose profile shows who a subject is; None: nothing names one."""
        ids: Sequence[str] = list(dict.fromkeys(one for one in account_of.values() if one is not None))
        shown = await self._profiles.public_profiles(ids, now) if ids else ()
        if isinstance(shown, RequestFailure):
            if shown.retry_at > now:
                self._due = max(now + PAUSE, shown.retry_at)
            else:
                self._refused_at |= dict.fromkeys(account_of, now)
            return
        by_id = {one.native_id: one for one in shown}
        found = [(subject, by_id.get(account or "")) for subject, account in account_of.items()]
        profiles = [
            LabeledProfile(subject, one is not None, one and one.handle, one and one.followers)
            for subject, one in found
        ]
        async with transaction(self._pool) as conn:
            await record_profiles(conn, self._platform, profiles, self._clock())

    def _account_of(self, subject: str, kind: LabeledKind) -> str | None:
        if kind is LabeledKind.ACCOUNT:
            return subject
        author = DECLARED[self._platform].author(subject, "")
        return author.name if author is not None and author.is_id else None
