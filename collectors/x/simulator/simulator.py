"""What the simulator of X offers to rehearsals, the demonstration and `blockline simulate`."""

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from collectors.simulator.canaries import canary
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import WITH_AUTHOR, History, HistoryAccount, settled
from collectors.simulator.platform_simulator import (
    HandleRules,
    PlatformSimulator,
    RunningSimulator,
    number_of,
)
from collectors.x.declaration import SIMULATED_TOKEN, X, post_id, post_of
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.world import visible, visible_post
from storage.model.core.availability import State, Status
from storage.model.platforms.registry import DECLARED

X_CANARIES = (
    canary(X, "8999999999999999901", "blockline_stable_1", Status.AVAILABLE),
    canary(X, "8999999999999999902", "blockline_stable_2", Status.AVAILABLE),
    canary(X, "8999999999999999903", "blockline_suspended", Status.SUSPENDED),
)
_POST_CANARIES = (
    canary(X, "post:8999999999999999911", "blockline_stable_1/8999999999999999911", Status.AVAILABLE),
    canary(X, "post:8999999999999999912", "blockline_stable_2/8999999999999999912", Status.AVAILABLE),
    canary(X, "post:8999999999999999913", "blockline_gone/8999999999999999913", Status.NOT_FOUND),
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
        "GET /2/tweets?ids=…                   up to 100 posts, with expansions=author_id their authors",
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
        """Accounts and posts have their own. No post is shown as suspended: the third one is not found."""
        ours = [account.native_id for account in history.accounts if account.platform is X]
        posts = _POST_CANARIES if any(map(post_of, ours)) else ()
        return posts if posts and all(map(post_of, ours)) else (*X_CANARIES, *posts)

    def visible(self, state: State) -> State:
        return visible(state)

    def observable_post(self, state: State) -> State:
        return visible_post(state)

    def made_up_id(self, digest: bytes) -> str:
        return number_of(digest)

    def made_up_handle(self, native_id: str) -> str:
        number = post_of(native_id)
        return f"acct_{native_id}" if number is None else f"i/{number}"

    def recast(self, account: HistoryAccount, digest: bytes, taken: set[str]) -> HistoryAccount:
        """A post of another platform becomes a post, and the name of its author one that is allowed here."""
        if not DECLARED[account.platform].is_post(account.native_id):
            return super().recast(account, digest, taken)
        number = self.made_up_id(digest)
        authors = {handle: handle.rpartition("/")[0] or "i" for handle in account.handles}
        names = {handle: self.name_of(author, account.platform, digest) for handle, author in authors.items()}
        seen = [
            (at, account.at(at), f"{names[account.handle_at(at)]}/{number}")
            for at in sorted({*account.times, *account.handle_times})
        ]
        details = {at: WITH_AUTHOR for at, _, _ in seen if account.detail_at(at) == WITH_AUTHOR}
        return settled(X, post_id(number), seen, account.lists, details)

    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        return [f"  bearer token {SIMULATED_TOKEN!r}; any other also works"]

    def example(self, address: str, account: HistoryAccount) -> str:
        number = post_of(account.native_id)
        url = f"{address}/2/users?ids={account.native_id}&user.fields=protected,withheld"
        if number is not None:
            fields = "tweet.fields=author_id,withheld&expansions=author_id&user.fields=protected,withheld"
            url = f"{address}/2/tweets?ids={number}&{fields}"
        return f"curl -H 'Authorization: Bearer {SIMULATED_TOKEN}' '{url}'"


SIMULATOR = XSimulator()
