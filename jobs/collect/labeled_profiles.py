"""Reads the public profiles of labeled accounts and of the authors of labeled posts. No status follows."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.core.abilities import PublicProfiles
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from storage.countries.labeled_profiles import LabeledProfile, record_profiles, subjects_without_profile
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.core.labels import LabeledKind
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Pool, transaction

PAUSE: Final = timedelta(seconds=10)
"""Between two requests: 20,000 accounts take two hours and a quarter at 25 each."""
_IDLE: Final = timedelta(minutes=1)
_KEPT: Final = timedelta(days=30)
"""How long a profile counts as known."""
_TRY_AGAIN_AFTER: Final = timedelta(days=1)
_ABOUT_ITS_IDS: Final = frozenset(
    {MissedReason.BAD_REQUEST, MissedReason.MALFORMED, MissedReason.UNCLASSIFIED}
)
"""Reasons that lie in the requested ids: the same request would fail again."""


class LabeledProfileReader:
    """Asks for profiles of the accounts and of the authors of the posts that labelers withhold, one request
    after the other. See `jobs.base.periodic_task.PeriodicTask`.
    """

    def __init__(self, pool: Pool, platform: Platform, profiles: PublicProfiles, clock: Clock) -> None:
        self._pool = pool
        self._platform = platform
        self._profiles = profiles
        self._clock = clock
        self._due: datetime | None = None
        self._at_once = profiles.most_profiles
        """Fewer after such a failure, so that one id does not keep back the others."""
        self._refused_at: dict[str, datetime] = {}
        """When a request for this subject alone failed so."""

    async def load(self) -> None:
        self._due = datetime.min.replace(tzinfo=UTC)

    def next_due(self) -> datetime | None:
        return self._due

    async def tick(self) -> None:
        now = self._clock()
        refused = {one: at for one, at in self._refused_at.items() if now < at + _TRY_AGAIN_AFTER}
        self._refused_at = refused
        limit = self._at_once + len(refused)
        async with transaction(self._pool) as conn:
            found = await subjects_without_profile(conn, self._platform, now - _KEPT, limit)
        rest = [(subject, kind) for subject, kind in found if subject not in refused]
        asked = {subject: self._account_of(subject, kind) for subject, kind in rest[: self._at_once]}
        self._due = now + (PAUSE if asked else _IDLE)
        if asked:
            await self._ask(asked, now)

    async def _ask(self, account_of: Mapping[str, str | None], now: datetime) -> None:
        """`account_of` has the account or author of each subject; None: the subject names none."""
        ids = list(dict.fromkeys(one for one in account_of.values() if one is not None))
        shown = await self._profiles.public_profiles(ids, now) if ids else ()
        if isinstance(shown, RequestFailure):
            self._due = max(now + PAUSE, shown.retry_at)
            if shown.reason in _ABOUT_ITS_IDS:
                self._ask_for_fewer(account_of, now)
            return
        self._at_once = self._profiles.most_profiles
        by_id = {one.native_id: one for one in shown}
        profiles: list[LabeledProfile] = []
        for subject, account in account_of.items():
            one = None if account is None else by_id.get(account)
            is_shown = None if account is None else one is not None
            profiles.append(LabeledProfile(subject, is_shown, one and one.handle, one and one.followers))
        async with transaction(self._pool) as conn:
            await record_profiles(conn, self._platform, profiles, self._clock)

    def _ask_for_fewer(self, account_of: Mapping[str, str | None], now: datetime) -> None:
        if len(account_of) == 1:
            self._refused_at |= dict.fromkeys(account_of, now)
            self._at_once = self._profiles.most_profiles
        else:
            self._at_once = len(account_of) // 2

    def _account_of(self, subject: str, kind: LabeledKind) -> str | None:
        declared = DECLARED[self._platform]
        if kind is LabeledKind.ACCOUNT:
            return subject if declared.is_native_id(subject) else None
        author = declared.author(subject, "")
        return author.name if author is not None and author.is_id else None
