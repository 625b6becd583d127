"""A local server that answers as Pond would, faults included."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from collectors.simulator.canaries import canary
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.platform_simulator import (
    HandleRules,
    PlatformSimulator,
    RunningSimulator,
    number_of,
)
from collectors.simulator.reply import SimulatedReply
from collectors.simulator.server import served
from storage.model.core.availability import Status

from ..declaration import POND  # noqa: TID252 - pond is not on the linter's path

_STATES = {Status.WITHHELD: "hidden", Status.SUSPENDED: "barred", Status.NOT_FOUND: "gone"}
_STATUS_OF = {
    FaultKind.UNAUTHORIZED: 401,
    FaultKind.CREDITS: 402,
    FaultKind.FORBIDDEN: 403,
    FaultKind.LIMIT_WITHOUT_RESET: 429,
    FaultKind.LIMIT_HTML: 429,
    FaultKind.USAGE_CAPPED: 429,
    FaultKind.UNAVAILABLE_HTML: 503,
    FaultKind.UNAVAILABLE_JSON: 503,
    FaultKind.UNKNOWN_PATH: 404,
    FaultKind.REDIRECT: 302,
    FaultKind.BAD_REQUEST: 400,
}
_BODY_OF = {FaultKind.HTML: b"<html>", FaultKind.EMPTY: b"", FaultKind.NULL: b"null"}


class PondAnswers:
    """See `SimulatedPlatform`."""

    def __init__(self, accounts: Sequence[HistoryAccount], faults: FaultPlan, now: datetime) -> None:
        self._accounts = {account.native_id: account for account in accounts}
        self._faults, self._now = faults, now
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return {"accounts": self._counts}

    def move_to(self, now: datetime) -> None:
        self._now = now

    def reply(self, host: str, path: str, query: str, accept: str) -> SimulatedReply:
        ids = parse_qs(query)["ids"][0].split(",")
        self._counts += Counter(requests=1, ids=len(ids))
        kind = self._faults.of(self._now, f"{path}?{query}")
        if kind is not None and (kind in _STATUS_OF or kind in _BODY_OF):
            return SimulatedReply(_STATUS_OF.get(kind, 200), _BODY_OF.get(kind, b"{}"))
        if kind in {FaultKind.LIMIT_PAST_RESET, FaultKind.LIMIT_ABSURD_RESET}:
            off = timedelta(minutes=-3) if kind is FaultKind.LIMIT_PAST_RESET else timedelta(days=400)
            reset = str(int((self._now + off).timestamp()))
            return SimulatedReply(429, b"{}", {"ratelimit-remaining": "0", "ratelimit-reset": reset})
        if kind in {FaultKind.RESET, FaultKind.HANG}:
            hang_s = self._faults.hang_s if kind is FaultKind.HANG else 0
            return SimulatedReply(0, b"", cut=True, hang_s=hang_s)
        if kind is FaultKind.OMITTED:
            ids.pop(self._faults.victim(self._now, query, len(ids)))
        shown = [self._shown(native_id, kind is FaultKind.ALL_NOT_FOUND) for native_id in ids]
        body = json.dumps({"accounts": shown}).encode()
        return SimulatedReply(200, body[: 40 if kind is FaultKind.TRUNCATED else None])

    def _shown(self, native_id: str, is_gone: bool) -> dict[str, object]:
        account = self._accounts.get(native_id)
        if account is None or is_gone or self._faults.lied_about(self._now, native_id):
            return {"id": native_id, "name": "", "state": "gone", "in": []}
        state = SIMULATOR.visible(account.at(self._now))
        shown = {"state": _STATES.get(state.status, "here"), "in": state.withheld_in}
        return {"id": native_id, "name": account.handle_at(self._now), **shown}


class PondSimulator(PlatformSimulator):
    platform = POND
    handle_rules = HandleRules(re.compile(r"[^a-z0-9_]"), "_", 30, is_lower=True)
    calls = ("GET /accounts?ids=…    up to 50 accounts",)

    def serve(
        self, history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, now: datetime, port: int
    ) -> AbstractAsyncContextManager[RunningSimulator]:
        accounts = [account for account in history.accounts if account.platform is POND]
        return served(PondAnswers(accounts, faults, now), port=port)

    def canaries(self, history: History) -> tuple[HistoryAccount, ...]:
        return (
            canary(POND, f"pond:{1:020}", "stable_1", Status.AVAILABLE),
            canary(POND, f"pond:{2:020}", "stable_2", Status.AVAILABLE),
            canary(POND, f"pond:{3:020}", "barred", Status.SUSPENDED),
        )

    def made_up_id(self, digest: bytes) -> str:
        return f"pond:{number_of(digest):>020}"

    def made_up_handle(self, native_id: str) -> str:
        return f"acct_{native_id.removeprefix('pond:')}"

    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        return []

    def example(self, address: str, account: HistoryAccount) -> str:
        return f"curl '{address}/accounts?ids={account.native_id}'"


SIMULATOR = PondSimulator()
