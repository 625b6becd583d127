"""Operators hear that the database is away, though no email can be queued without it."""

import logging
from datetime import datetime

from jobs.base.clock import Clock
from jobs.delivery.sender import Sender, Undeliverable
from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.operator_mail import OperatorNews, operator_mail
from storage.health.condition_facts import Thresholds
from storage.model.alerts.alerts import Mail, MailDraft, MailState
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind, KnownCondition
from storage.model.text.states import quoted
from storage.postgres.pool import StorageError

log = logging.getLogger(__name__)

_TO_DO = (
    "Check that the database server runs, takes writes and can be reached from this machine. The command "
    "“blockline doctor” shows its answer. Readings continue by themselves when it is back."
)


class DatabaseOutage:
    """Tells each operator once that the database is away, and once that it is back.

    It is not stored, since there is nowhere to store it. So each process with the role notify tells by
    itself, and one that is started during the outage tells again.
    """

    def __init__(self, sender: Sender | None, head: Letterhead, thresholds: Thresholds, clock: Clock) -> None:
        self._sender = sender
        self._head = head
        self._thresholds = thresholds
        self._clock = clock
        self._since: datetime | None = None
        self._error = ""
        self._told: list[str] = []
        """Operators that know of it, and not yet that it is over."""

    async def lasts(self, error: StorageError) -> None:
        """To be called each time the database fails. What lasts for less than `notify_after` is not told."""
        now = self._clock()
        if self._since is None:
            self._since, self._error = now, str(error)
        if now - self._since >= self._thresholds.notify_after:
            for operator in sorted(set(self._head.operators) - set(self._told)):
                report = OperatorNews((self._condition(self._since, None),), (), (), frozenset())
                if await self._tell(operator, report, now):
                    self._told.append(operator)

    async def is_over(self) -> None:
        """To be called each time the database works."""
        if self._since is None:
            return
        now = self._clock()
        for operator in list(self._told):
            over = self._condition(self._since, now)
            if await self._tell(operator, OperatorNews((), (), (over,), frozenset()), now):
                self._told.remove(operator)
        if not self._told:
            self._since = None

    def _condition(self, since: datetime, ended_at: datetime | None) -> KnownCondition:
        condition = Condition(
            ConditionKey(ConditionKind.DATABASE_AWAY),
            since,
            "The database does not answer or takes no writes, so nothing is read, recorded or reported",
            quoted(self._error),
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
            end_sentence="The database works again" if ended_at else "",
        )

    async def _tell(self, operator: str, report: OperatorNews, now: datetime) -> bool:
        """Whether the operator need not be told again."""
        if self._sender is None:
            return False
        try:
            await self._sender.send(
                _unstored(operator_mail(report, operator, self._thresholds, self._head), now)
            )
        except Undeliverable as error:
            log.warning(
                "No operator email about the database could be sent: %s",
                error,
                extra={"event": "operator_email"},
            )
            return error.permanent
        return True


def _unstored(draft: MailDraft, now: datetime) -> Mail:
    return Mail(
        mail_id=0,
        message_id=draft.message_id,
        recipients=(draft.recipient,),
        subject=draft.subject,
        text_body=draft.text_body,
        html_body=draft.html_body,
        created_at=now,
        state=MailState.QUEUED,
        attempts=1,
        next_attempt_at=None,
        sent_at=None,
        last_error=None,
        kind=draft.kind,
        payload=draft.payload,
    )
