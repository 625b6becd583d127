"""What the simulator of X offers to rehearsals, the demonstration and `blockline simulate`."""

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from collectors.simulator.canaries import canary
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.platform_simulator import (
    HandleRules,
    PlatformSimulator,
    RunningSimulator,
    number_of,
)
from collectors.x.declaration import SIMULATED_TOKEN, X
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.world import visible
from storage.model.core.availability import State, Status

X_CANARIES = (
    canary(X, "8999999999999999901", "blockline_stable_1", Status.AVAILABLE),
    canary(X, "8999999999999999902", "blockline_stable_2", Status.AVAILABLE),
    canary(X, "8999999999999999903", "blockline_suspended", Status.SUSPENDED),
)
"""Their ids are beyond any that the platform has given out."""


class XSimulator(PlatformSimulator):
    platform = X
    plays_acts = True
    handle_rules = HandleRules(re.compile(r"[^A-Za-z0-9_]"), "_", 15)
    calls = (
        "GET /2/users?ids=…                    up to 100 accounts; user.fields as X names them",
        "GET /2/users/by?usernames=…           up to 100 accounts by handle",
        "GET /2/users/:id                      one account",
        "GET /2/users/:id/tweets               its posts, in pages",
        "GET /2/users/:id/following            whom it follows, in pages",
        "GET /2/users/:id/liked_tweets         its likes, if the account itself signed the request",
        "POST, GET /2/compliance/jobs          why accounts of a list are no longer shown",
    )

    def serve(
        self, history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, now: datetime, port: int
    ) -> AbstractAsyncContextManager[RunningSimulator]:
        return serve_x(history, acts=acts, faults=faults, now=now, port=port)

    def canaries(self, history: History) -> tuple[HistoryAccount, ...]:
        return X_CANARIES

    def visible(self, state: State) -> State:
        return visible(state)

    def made_up_id(self, digest: bytes) -> str:
        return number_of(digest)

    def made_up_handle(self, native_id: str) -> str:
        return f"acct_{native_id}"

    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        return [f"  bearer token {SIMULATED_TOKEN!r}; any other also works"]

    def example(self, address: str, account: HistoryAccount) -> str:
        url = f"{address}/2/users?ids={account.native_id}&user.fields=protected,withheld"
        return f"curl -H 'Authorization: Bearer {SIMULATED_TOKEN}' '{url}'"


SIMULATOR = XSimulator()
