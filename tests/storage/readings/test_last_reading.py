"""How well accounts are read: when each last gave a conclusive answer, and how many of the asked did."""

from collectors.x.declaration import X
from storage.model.core.coverage import BatchOutcome
from storage.postgres.pool import Pool, transaction
from storage.readings.last_reading import AnswerRate, answers, last_confirmed
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import batch, enlist, read, roster_of


async def test_the_last_reading_of_each_account_is_returned(pool: Pool) -> None:
    """Four requests: all three answered, one was left out, nobody answered; and one from elsewhere."""
    async with transaction(pool) as conn:
        *accounts, _never_asked = everybody = await enlist(conn, X, "1234")
        one, two, three = (a.account_id for a in accounts)
        together = await roster_of(conn, accounts)
        alone = await roster_of(conn, accounts[:1], base=False)
        elsewhere = await roster_of(conn, accounts, vantage="TR")
        await read(conn, batch(together, minutes(10)))
        await read(conn, batch(together, minutes(25), answered=(False, True, True)))
        await read(conn, batch(together, minutes(40), BatchOutcome.MISSED))
        await read(conn, batch(alone, minutes(15)))
        await read(conn, batch(elsewhere, minutes(60)))
        assert await last_confirmed(conn, [a.account_id for a in everybody]) == {
            one: minutes(15),
            two: minutes(25),
            three: minutes(25),
        }
        assert await last_confirmed(conn, []) == {}
        assert await answers(conn, minutes(0), minutes(100)) == AnswerRate(4, 10, 6)
        assert (await answers(conn, minutes(10), minutes(40))).share == 6 / 7
        assert (await answers(conn, minutes(50), minutes(100))).share is None
