"""Operators get one email when the database cannot be used, past the queue, and one when it can be again."""

from datetime import timedelta

from jobs.base.clock import SimulatedClock
from jobs.delivery.sender import Sender
from jobs.messages.compose import Letterhead
from jobs.notify.database_outage import DatabaseOutage
from storage.health.condition_facts import Thresholds
from storage.postgres.pool import Pool, Unreachable
from tests.support.samples.readings import MINUTE, T0
from tests.support.servers.mail import InOrder, Refusing, serving

HEAD = Letterhead(operators=("night@example.org", "ops@example.org"))
SUBJECT = "Blockline: The database cannot be reached or takes no writes"


class Watch:
    """The database is looked at once a minute."""

    def __init__(self, pool: Pool, sender: Sender | None) -> None:
        self.pool = pool
        self.is_away = False
        self.clock = SimulatedClock(T0)
        self._outage = DatabaseOutage(pool, self._probe, sender, HEAD, Thresholds(15 * MINUTE), self.clock)

    async def _probe(self) -> None:
        if self.is_away:
            raise Unreachable("Cannot reach the database at db.example:5432: no server listens there.")

    async def look(self, minutes: int, *, is_away: bool) -> None:
        self.is_away = is_away
        for _ in range(minutes):
            await self._outage.look()
            self.clock.set(self.clock() + timedelta(minutes=1))

    async def queued(self) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("select subject, recipients[1] from mail order by mail_id")
        return [(r["subject"], r["recipients"]) for r in rows]


async def test_each_operator_gets_one_email_past_the_queue_and_the_end_through_it(pool: Pool) -> None:
    inbox = InOrder()
    async with serving(inbox) as sender:
        watch = Watch(pool, sender)
        await watch.look(2, is_away=True)
        assert not inbox.mails(), "it may be over in a moment"
        await watch.look(60, is_away=True)
        mails = inbox.mails()
        assert [(m.subject, m.recipients, m.copies) for m in mails] == [
            (SUBJECT, ("night@example.org",), 1),
            (SUBJECT, ("ops@example.org",), 1),
        ]
        assert "no server listens there" in mails[0].text
        assert "blockline doctor" in mails[0].text
        await watch.look(3, is_away=False)
    over = "Blockline: The database can be used again"
    assert await watch.queued() == [(over, "night@example.org"), (over, "ops@example.org")]


async def test_an_operator_whose_email_was_refused_for_now_gets_it_later(pool: Pool) -> None:
    inbox = Refusing("MAIL", *["451 4.3.0 later"] * 4)
    async with serving(inbox) as sender:
        await Watch(pool, sender).look(8, is_away=True)
    assert sorted(m.recipients for m in inbox.mails()) == [("night@example.org",), ("ops@example.org",)]


async def test_without_a_mail_server_nobody_is_informed_of_an_end_either(pool: Pool) -> None:
    watch = Watch(pool, None)
    await watch.look(10, is_away=True)
    await watch.look(1, is_away=False)
    assert not await watch.queued()
