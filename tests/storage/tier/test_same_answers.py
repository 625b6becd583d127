"""What is asked about archived months is answered as before, byte for byte."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from storage.postgres.pool import Pool, transaction
from storage.postgres.replica import snapshot
from storage.tier.archiving import archive_month
from storage.tier.months import archived_months, stored_months
from tests.conftest import NOW
from tests.storage.tier.questions import Question, exports, pages, questions
from tests.support.repeats import repeats
from tests.support.seeds.every_page import Everything


async def answers(pool: Pool, asked: Mapping[str, Question]) -> dict[str, str]:
    """The answer to each question, in a transaction of its own."""
    found: dict[str, str] = {}
    for name, question in asked.items():
        async with snapshot(pool) as conn:
            found[name] = repr(await question(conn))
    return found


def different(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [name for name, answer in after.items() if before[name] != answer]


@pytest.mark.slow
@pytest.mark.again
async def test_every_question_is_answered_as_before(
    pool: Pool, dsn: str, everything: Everything, tmp_path: Path
) -> None:
    async with transaction(pool) as conn:
        asked = {
            **await questions(conn, NOW, accounts=repeats(3, 30)),
            **pages(everything.numbers, NOW),
            **exports(NOW),
        }
        months = await stored_months(conn)
    before = await answers(pool, asked)
    again = await answers(pool, asked)
    # A few answers differ each time, as those that name a new token.
    assert len(different(before, again)) < 5
    asked = {name: question for name, question in asked.items() if again[name] == before[name]}
    for month in months:
        await archive_month(dsn, tmp_path.as_uri(), month, NOW, "test")
    async with transaction(pool) as conn:
        left = await conn.fetchval("select count(*) from coverage_row")
        assert [m.month for m in await archived_months(conn)] == list(months)
        assert left < sum(m.rows for m in await archived_months(conn)) / 5
    after = await answers(pool, asked)
    assert len(asked) > repeats(450, 1_500)
    assert different(before, after) == []
