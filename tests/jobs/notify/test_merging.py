"""After an outage of the mail server one mail says what happened meanwhile, on a real database."""

from dataclasses import dataclass, field
from datetime import datetime

import pytest

from jobs.delivery.sender import DeliveryFault, Undeliverable
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import tick
from storage.alerts import mail_queue
from storage.model.alerts.alerts import AlertRow, Cohort, Mail
from storage.model.alerts.rules import AlertRule
from storage.model.core.availability import State
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.samples.alerts import REPORTERS, a_change, an_alert, store, tell_by
from tests.support.samples.readings import AVAILABLE, MINUTE, WITHHELD_IN, minutes

DESK, NIGHT = "desk@example.org", "night@example.org"
HEAD = Letterhead("https://blockline.example.org/")
RULE = AlertRule((DESK,), zone="Asia/Kolkata")


@dataclass(slots=True)
class Server:
    """A mail server whose hour comes and goes. It keeps what it accepts."""

    is_up: bool = False
    is_mute: bool = False
    """It takes the message, and nobody hears whether it accepted it."""
    only: tuple[str, ...] = ()
    """Whom it takes mails to, of all."""
    accepted: list[Mail] = field(default_factory=list[Mail])

    async def send(self, mail: Mail) -> None:
        if self.is_up and (not self.only or mail.recipients[0] in self.only):
            self.accepted.append(mail)
            if not self.is_mute:
                return
        fault = DeliveryFault.MAIL if self.only else DeliveryFault.SERVER
        raise Undeliverable("no answer", permanent=False, fault=fault, uncertain=self.is_mute)

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def subjects(self) -> list[str]:
        return [mail.subject.partition(" - ")[0] for mail in self.accepted]


def turned(account: int, at: datetime, new: State, old: State, *cohorts: Cohort) -> AlertRow:
    change = a_change(account, new, old, at=at, handle=f"reporter{account}")
    return an_alert(account, change, at + MINUTE, *(cohorts or (REPORTERS,)))


def withheld(account: int, at: float, *cohorts: Cohort) -> AlertRow:
    return turned(account, minutes(at), WITHHELD_IN, AVAILABLE, *cohorts)


def back(account: int, at: float, *cohorts: Cohort) -> AlertRow:
    return turned(account, minutes(at), AVAILABLE, WITHHELD_IN, *cohorts)


async def told(pool: Pool, server: Server, at: float, *alerts: AlertRow) -> None:
    """These are recorded, and the notifier looks a few minutes later."""
    await store(pool, alerts)
    await tick(pool, server, minutes(at + 5), HEAD)


async def states(pool: Pool) -> list[tuple[str, int | None]]:
    rows = await pool.fetch("select state, merged_into from mail order by mail_id")
    return [tuple(r) for r in rows]


async def test_an_attempt_at_which_blockline_itself_failed_is_uncertain(pool: Pool) -> None:
    class Broken(Server):
        async def send(self, mail: Mail) -> None:
            raise ZeroDivisionError

    await tell_by(pool, RULE)
    await store(pool, [withheld(1, 0)])
    with pytest.raises(ZeroDivisionError):
        await tick(pool, Broken(), minutes(5), HEAD)
    await told(pool, Server(), 600, back(1, 600))
    assert [state for state, _ in await states(pool)] == ["queued", "queued"]


async def test_a_merged_email_names_its_replacement_and_is_not_sent_again(pool: Pool) -> None:
    await tell_by(pool, RULE)
    server = Server()
    await told(pool, server, 0, withheld(1, 0))
    await told(pool, server, 600, back(1, 600))
    async with transaction(pool) as conn:
        with pytest.raises(
            Refused, match=r"Mail 1 was merged into mail 3, which contains both\. Send mail 3"
        ):
            await mail_queue.resend(conn, 1, "anna", minutes(700))
