"""How other servers of a federated platform treat the watched accounts: facts about those servers, never a
status.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from collectors.core.abilities import BlockedServers, ModerationFindings, OtherServers
from collectors.core.collector import RequestFailure
from jobs.base.clock import Clock
from jobs.collect.monitor import Monitor
from jobs.detect.judge import SideFacts
from storage.accounts import side_facts
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import Status
from storage.model.core.side_facts import FactSighting
from storage.postgres.pool import Pool, transaction

_EVERY = timedelta(days=1)
_AT_ONCE = 50
"""Maximum number of accounts per server in one `tick`. A server of Mastodon allows 300 requests in 5 minutes
(documented).
"""
_BETWEEN_TURNS = timedelta(minutes=2)

_DOMAIN, _ACCOUNT = _PARTS = ("domain", "account")
"""The first word of each fact's value. `domain` means that the server acts on a whole domain, `account` that
it acts on one account.
"""


class Observers:
    """Asks each observer server once a day about every watched account. See
    `jobs.base.periodic_task.PeriodicTask`.
    """

    def __init__(
        self,
        pool: Pool,
        platform: Platform,
        view: OtherServers,
        servers: Sequence[str],
        monitor: Monitor,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._view = view
        self._monitor = monitor
        self._clock = clock
        self._rounds = {server: _Round() for server in servers}

    async def load(self) -> None:
        """Nothing to load. Each round begins with the accounts watched at that time."""

    def next_due(self) -> datetime | None:
        return min((one.due for one in self._rounds.values()), default=None)

    async def tick(self) -> None:
        for server, one in self._rounds.items():
            if one.due <= self._clock():
                await self._turn(server, one)

    async def _turn(self, server: str, one: "_Round") -> None:
        now = self._clock()
        if not one.left:
            one.began = now
            one.left = sorted(self._monitor.accounts().values(), key=lambda a: a.account_id)
            blocks = await self._view.domain_blocks(server, now)
            one.blocks = None if isinstance(blocks, RequestFailure) else blocks
        asked, one.left = one.left[:_AT_ONCE], one.left[_AT_ONCE:]
        handles = {a.native_id: a.handle for a in asked}
        by_domain = ModerationFindings(frozenset(), ()) if one.blocks is None else one.blocks.facts(handles)
        here = {a.native_id: a.handle for a in asked if self._is_available(a)}
        by_account = await self._view.seen_from(server, here, now)
        if by_account.trouble is not None:
            # Accounts that were not reached wait for the next round. Nothing is recorded about them until
            # then.
            one.left = []
        await self._store(server, one, asked, by_domain, by_account, now)
        one.due = now + _BETWEEN_TURNS if one.left else one.began + _EVERY

    def _is_available(self, account: Account) -> bool:
        """Whether the account's own server shows the account. If that server suspends an account, other
        servers suspend their copies too. Such a copy says nothing about the observer server's own decisions.
        """
        known = self._monitor.known(account.account_id)
        return known is not None and known.state is not None and known.state.status is Status.AVAILABLE

    async def _store(
        self,
        server: str,
        one: "_Round",
        asked: Sequence[Account],
        by_domain: ModerationFindings,
        by_account: ModerationFindings,
        asked_at: datetime,
    ) -> None:
        at = self._clock()
        sightings: list[FactSighting] = []
        async with transaction(self._pool) as conn:
            kept = await side_facts.open_facts(conn, self._platform, server)
            for account in asked:
                before = kept.get(account.account_id, frozenset())
                now = _together(account.native_id, before, by_domain, by_account)
                if now != before:
                    last_look = one.last_look(account.account_id, now ^ before)
                    sightings.append(FactSighting(account.account_id, now, last_look, at))
            await side_facts.observe(conn, server, sightings)
        # The domain list was requested once, at the start of the round.
        for part, observed, looked_at in (_DOMAIN, by_domain, one.began), (_ACCOUNT, by_account, asked_at):
            answered = (a.account_id for a in asked if a.native_id in observed.answered)
            one.seen_at |= {(account_id, part): looked_at for account_id in answered}


class _Round:
    """The round of one observer server over all watched accounts."""

    def __init__(self) -> None:
        self.began = datetime.min.replace(tzinfo=UTC)
        self.due = self.began
        self.left: list[Account] = []
        self.blocks: BlockedServers | None = None
        self.seen_at: dict[tuple[AccountId, str], datetime] = {}
        """The time of the last answered request, by account and part of its facts (`domain` or `account`)."""

    def last_look(self, account_id: AccountId, changed: SideFacts) -> datetime | None:
        """Return the time of the last answered request about the part that changed (`domain` or `account`).
        If both parts changed, return the older of their times. None if a changed part was never answered.
        """
        parts = {part for part in _PARTS if any(value.startswith(part) for _, value in changed)}
        times = [self.seen_at.get((account_id, part)) for part in parts]
        known = [at for at in times if at is not None]
        return min(known) if len(known) == len(times) else None


def _together(
    native_id: str, before: SideFacts, by_domain: ModerationFindings, by_account: ModerationFindings
) -> SideFacts:
    """Return the current facts of an account. A part without an answer keeps its earlier facts."""
    now: SideFacts = frozenset()
    for part, observed in ((_DOMAIN, by_domain), (_ACCOUNT, by_account)):
        if native_id in observed.answered:
            now |= {(kind, value) for who, kind, value in observed.facts if who == native_id}
        else:
            now |= {fact for fact in before if fact[1].startswith(part)}
    return now
