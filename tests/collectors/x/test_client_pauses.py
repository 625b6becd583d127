"""When the X collector stays silent, and what it never says."""

from datetime import timedelta

import pytest

from collectors.simulator.history import History, settled
from collectors.x.collector import XCollector
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from storage.model.core.availability import State, Status
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_x import TOKEN, collector

FAR = timedelta(minutes=15)


async def test_a_window_that_is_used_up_is_waited_for_without_a_refusal() -> None:
    history = History((settled(X, "7", [(T0, State(Status.AVAILABLE), "a")]),))
    async with serve_x(history, limit=2) as server, collector(server.base_url) as x:
        assert (await x.read(["7"], T0)).readings
        assert x.windows["users"].remaining == 1
        assert (await x.read(["7"], T0)).readings
        third = await x.read(["7"], T0)
        assert third.trouble is not None
        assert third.trouble.retry_at == T0 + FAR
        assert server.counts["users"]["requests"] == 2
        server.set_clock(T0 + FAR)
        assert (await x.read(["7"], T0 + FAR)).readings


# secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "two words", "line\n" + TOKEN, "ключ"])
def test_a_token_that_cannot_be_one_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="bearer token") as refusal:
        XCollector(token)
    assert TOKEN not in str(refusal.value)
