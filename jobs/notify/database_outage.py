"""Emails to operators about the database itself, which go past the queue because the queue is in it."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from jobs.base.clock import Clock
from jobs.delivery.sender import Sender, Undeliverable
from jobs.messages.compose import Letterhead
from jobs.notify.alert_preview import mail
from jobs.selfmonitoring.operator_mail import OperatorNews, operator_mail
from storage.alerts import outbox
from storage.health.condition_facts import Thresholds
from storage.model.alerts.alerts import MailDraft
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, KnownCondition
from storage.model.text.states import quoted
from storage.postgres.pool import Pool, Unreachable, transaction

log = logging.getLogger(__name__)

_TO_DO = (
    "Check that the database server runs, takes writes and can be reached from this machine. The command "
    "“blockline doctor” shows its answer. Blockline continues by itself when the database works again."
)


class DatabaseOutage:
    """Notices when the database cannot be used, and emails the operators about it and about the end.

    An outage is not stored, because the database is needed for that. So each process with the role notify
    sends its own emails, and a process that is started during the outage does not know of earlier ones.
    """

    def __init__(
        self,
        pool: Pool,
        probe: Callable[[], Awaitable[None]],
        sender: Sender | None,
        head: Letterhead,
        thresholds: Thresholds,
        clock: Clock,
    ) -> None:
        """`probe` raises Unreachable if the database does not answer in time or takes no writes."""
        self._pool = pool
        self._probe = probe
        self._sender = sender
        self._head = head
        self._thresholds = thresholds
        self._clock = clock
        self._since: datetime | None = None
        """When the first of the failed probes was; None if the last one succeeded."""
        self._error = ""
        self._informed: set[str] = set()
        """Operators who got an email about this outage."""

    async def look(self) -> None:
        """Probe the database once, and send what is due. Raises StorageError if it fails again at the end."""
        try:
            await self._probe()
        except Unreachable as error:
            await self._begin(error)
        else:
            await self._end()

    async def _begin(self, error: Unreachable) -> None:
        now = self._clock()
        if self._since is None:
            self._since, self._error = now, str(error)
        if self._sender is None or now - self._since < self._thresholds.notify_after:
            return
        begun = OperatorNews((_condition(self._since, self._error, None),), (), (), frozenset())
        for operator in sorted(set(self._head.operators) - self._informed):
            if await self._send(self._sender, self._draft(begun, operator), now):
                self._informed.add(operator)

    async def _end(self) -> None:
        """The database has its queue again, so the emails about the end go through it."""
        if self._since is None:
            return
        now = self._clock()
        over = OperatorNews((), (), (_condition(self._since, self._error, now),), frozenset())
        async with transaction(self._pool) as conn:
            for operator in sorted(self._informed):
                await outbox.queue(conn, self._draft(over, operator), now)
        self._since = None
        self._informed.clear()

    def _draft(self, news: OperatorNews, operator: str) -> MailDraft:
        return operator_mail(news, operator, self._thresholds, self._head)

    async def _send(self, sender: Sender, draft: MailDraft, now: datetime) -> bool:
        """Return whether the email was accepted, or would never be."""
        try:
            await sender.send(mail(draft, now))
        except Undeliverable as error:
            log.warning(
                "An email to %s about the database was not sent: %s",
                draft.recipient,
                error,
                extra={"event": "operator_email"},
            )
            return error.permanent
        return True


def _condition(since: datetime, error: str, ended_at: datetime | None) -> KnownCondition:
    condition = Condition(
        ConditionKey(ConditionKind.DATABASE_UNUSABLE),
        since,
        "The database cannot be reached or takes no writes",
        quoted(error),
        _TO_DO,
    )
    return KnownCondition(
        condition_id=0,
        condition=condition,
        opened_at=since,
        told_at=None,
        mail_id=None,
        mail_state=None,
        ended_at=ended_at,
        end_sentence="The database can be used again" if ended_at else "",
    )
