"""How far an order was followed, told by the command line from the figures of the dashboard."""

from datetime import datetime

import pytest

from dashboard.orders.facts import OrderFigures, read_order
from dashboard.orders.order_json import order_json
from dashboard.orders.words import sentences
from storage.postgres.pool import Pool, transaction
from tests.support.clients.command_line import Blockline
from tests.support.seeds.changes import Story


@pytest.fixture
def run(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> Blockline:
    monkeypatch.setenv("BLOCKLINE_SWEEP_EVERY", "30m")
    return run


@pytest.fixture
async def found(pool: Pool, story: Story, now: datetime) -> OrderFigures:
    """As the dashboard reads it."""
    async with transaction(pool) as conn:
        order = await read_order(conn, 1, now, story.sweep * 2.5)
    assert order is not None
    return order


@pytest.mark.slow
def test_it_tells_what_the_dashboard_tells_of_that_moment(
    found: OrderFigures, now: datetime, run: Blockline
) -> None:
    at = f"--at={now.isoformat().replace('+00:00', 'Z')}"
    assert run("orders", "show", "SYN/1", at, "--json").json == order_json(found)
    said = run("orders", "show", "SYN/1", at).said
    assert said[: len(sentences(found))] == sentences(found)
    assert any(line.endswith("Withheld in India") for line in said)


def test_the_time_to_restoration_is_told_when_it_is_asked_for(
    story: Story, now: datetime, run: Blockline
) -> None:
    at = f"--at={now.isoformat().replace('+00:00', 'Z')}"
    assert "restoration" not in run("orders", "show", "SYN/1", at, "--json").json
    told = run("orders", "show", "SYN/1", at, "--restoration", "--json").json["restoration"]
    assert told["spells"] == len(told["intervals_s"]) > 0
    last = run("orders", "show", "SYN/1", at, "--restoration").said[-1]
    assert last.endswith("for times below this limit.")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("orders", "show", "NO"), "There is no order with the reference NO."),
        (("orders", "show", "SYN/1", "--at=yesterday"), "--at"),
        (("orders", "show", "SYN/1", "--as-known-at=2999-01-01T00:00Z"), "--as-known-at"),
        (("orders", "show", "SYN/1", "--as-known-at=2000-01-01T00:00Z"), "There is no order"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(
    story: Story, run: Blockline, words: tuple[str, ...], complaint: str
) -> None:
    ran = run(*words)
    assert ran.code == 1
    assert ran.out == ""
    (sentence,) = ran.complaints
    assert complaint in sentence
