"""Operators hear that the database is away past the queue, which is in it: once, and once that it is back."""

from datetime import timedelta

from jobs.base.clock import SimulatedClock
from jobs.delivery.sender import Sender
from jobs.messages.compose import Letterhead
from jobs.notify.database_outage import DatabaseOutage
from storage.health.condition_facts import Thresholds
from storage.postgres.pool import Unreachable
from tests.support.samples.readings import MINUTE, T0
from tests.support.servers.mail import InOrder, Refusing, serving

HEAD = Letterhead(operators=("night@example.org", "ops@example.org"))
AWAY = Unreachable("Cannot reach the database at db.example:5432: no server listens there.")


class Watch:
    """A minute passes with each call."""

    def __init__(self, sender: Sender | None) -> None:
        self.clock = SimulatedClock(T0)
        self._outage = DatabaseOutage(sender, HEAD, Thresholds(15 * MINUTE), self.clock)

    async def away(self, minutes: int) -> None:
        for _ in range(minutes):
            await self._outage.lasts(AWAY)
            self.clock.set(self.clock() + timedelta(minutes=1))

    async def back(self) -> None:
        await self._outage.is_over()


async def test_operators_are_told_once_and_once_that_it_is_over() -> None:
    inbox = InOrder()
    async with serving(inbox) as sender:
        watch = Watch(sender)
        await watch.away(2)
        assert not inbox.mails(), "it may be over in a moment"
        await watch.away(60)
        first = inbox.mails()
        assert [m.recipients for m in first] == [("night@example.org",), ("ops@example.org",)]
        assert "does not answer" in first[0].subject
        assert "no server listens there" in first[0].text
        assert "blockline doctor" in first[0].text
        await watch.back()
        await watch.back()
        over = inbox.mails()[2:]
    assert [m.subject for m in over] == ["Blockline: The database works again"] * 2
    assert {m.copies for m in (*first, *over)} == {1}


async def test_a_short_outage_is_not_told() -> None:
    inbox = InOrder()
    async with serving(inbox) as sender:
        watch = Watch(sender)
        for _ in range(5):
            await watch.away(2)
            await watch.back()
    assert not inbox.mails()


async def test_a_second_outage_is_told_again() -> None:
    inbox = InOrder()
    async with serving(inbox) as sender:
        watch = Watch(sender)
        for _ in range(2):
            await watch.away(4)
            await watch.back()
    assert len(inbox.mails()) == 8


async def test_a_mail_server_that_is_away_too_is_tried_again() -> None:
    inbox = Refusing("MAIL", *["451 4.3.0 later"] * 4)
    async with serving(inbox) as sender:
        watch = Watch(sender)
        await watch.away(8)
        assert sorted(m.recipients for m in inbox.mails()) == [("night@example.org",), ("ops@example.org",)]


async def test_without_a_mail_server_nothing_is_sent() -> None:
    watch = Watch(None)
    await watch.away(10)
    await watch.back()
