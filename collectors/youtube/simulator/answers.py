"""Pure: what the YouTube Data API answers about the channels and videos of a history, faults included.

YouTube has no credits, no headers with limits, no servers of accounts and no labelers: CREDITS looks like
FORBIDDEN, every limit but LIMIT_HTML looks alike, and HOST_DOWN, EXPIRED_PAGE, LABELER_SILENT and
LABELS_DROPPED are no faults here.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs
from zlib import crc32

from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import HistoryAccount
from collectors.simulator.reply import SimulatedReply
from collectors.youtube.declaration import video_of
from storage.model.core.availability import EVERYWHERE, State, Status
from storage.model.text.countries import official_names

_HTML: Final = b"<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry.</body></html>"
_HTML_TYPE: Final = "text/html; charset=UTF-8"
_JSON_TYPE: Final = "application/json; charset=UTF-8"
_CHANNELS, _VIDEOS = "/youtube/v3/channels", "/youtube/v3/videos"
_PREFIX: Final = {_CHANNELS: "", _VIDEOS: "video:"}
_MOST: Final = 50
_STRANGER: Final = {_CHANNELS: "UC" + "0" * 22, _VIDEOS: "00000000000"}


def dumps(value: object) -> bytes:
    """JSON in the form in which the API sends it."""
    return json.dumps(value, indent=2).encode()


def error(code: int, reason: str, domain: str, more: str | None = None) -> SimulatedReply:
    """A refusal, with the reason that Google's own layer adds if there is one."""
    said: dict[str, object] = {
        "code": code,
        "message": f"Simulated: {reason}.",
        "errors": [{"message": f"Simulated: {reason}.", "domain": domain, "reason": reason}],
    }
    if more is not None:
        info = "type.googleapis.com/google.rpc.ErrorInfo"
        said["details"] = [{"@type": info, "reason": more, "domain": "googleapis.com"}]
    return SimulatedReply(code, dumps({"error": said}), content_type=_JSON_TYPE)


_FORBIDDEN: Final = error(403, "accessNotConfigured", "usageLimits", "SERVICE_DISABLED")
_LIMITED: Final = error(403, "rateLimitExceeded", "usageLimits")
_FAILED: Final = {
    FaultKind.UNAUTHORIZED: error(400, "badRequest", "global", "API_KEY_INVALID"),
    FaultKind.CREDITS: _FORBIDDEN,
    FaultKind.FORBIDDEN: _FORBIDDEN,
    FaultKind.LIMIT_WITHOUT_RESET: _LIMITED,
    FaultKind.LIMIT_PAST_RESET: _LIMITED,
    FaultKind.LIMIT_ABSURD_RESET: _LIMITED,
    FaultKind.LIMIT_HTML: SimulatedReply(429, _HTML, content_type=_HTML_TYPE),
    FaultKind.USAGE_CAPPED: error(403, "quotaExceeded", "youtube.quota"),
    FaultKind.UNAVAILABLE_HTML: SimulatedReply(503, _HTML, content_type=_HTML_TYPE),
    FaultKind.UNAVAILABLE_JSON: error(503, "backendError", "global"),
    FaultKind.UNKNOWN_PATH: SimulatedReply(404, _HTML, content_type=_HTML_TYPE),
    FaultKind.REDIRECT: SimulatedReply(302, _HTML, {"Location": "/sorry"}, _HTML_TYPE),
    FaultKind.BAD_REQUEST: error(400, "invalidFilters", "youtube.parameter"),
    FaultKind.HTML: SimulatedReply(200, _HTML, content_type=_HTML_TYPE),
    FaultKind.EMPTY: SimulatedReply(200, b"", content_type=_JSON_TYPE),
    FaultKind.NULL: SimulatedReply(200, b"null", content_type=_JSON_TYPE),
    FaultKind.RESET: SimulatedReply(0, b"", cut=True),
}


def channel(account: HistoryAccount, now: datetime) -> dict[str, object] | None:
    """A channel as the API shows it; None if it does not."""
    state = account.at(now)
    if state.status is Status.NOT_FOUND:
        return None
    return {
        "kind": "youtube#channel",
        "id": account.native_id,
        "snippet": {"title": account.handle_at(now), "customUrl": f"@{account.handle_at(now)}"},
        "status": {"privacyStatus": _privacy(state), "isLinked": True},
    }


def video(account: HistoryAccount, now: datetime) -> dict[str, object] | None:
    """A video as the API shows it; None if it does not."""
    state = account.at(now)
    if state.status is Status.NOT_FOUND:
        return None
    native_id = video_of(account.native_id) or ""
    status: dict[str, object] = {"uploadStatus": "processed", "privacyStatus": _privacy(state)}
    if state.status is Status.SUSPENDED:
        status |= {"uploadStatus": "rejected", "rejectionReason": "termsOfUse"}
    details: dict[str, object] = {"duration": "PT3M9S", "definition": "hd"}
    if state.withheld_in:
        details["regionRestriction"] = _restriction(native_id, state.withheld_in)
    return {"kind": "youtube#video", "id": native_id, "contentDetails": details, "status": status}


def _privacy(state: State) -> str:
    return "private" if state.status is Status.PROTECTED else "public"


def _restriction(native_id: str, countries: Sequence[str]) -> dict[str, object]:
    """In one of the two forms that say the same, where both can: which of them is used is not documented."""
    if EVERYWHERE in countries:
        return {"allowed": []}
    others = sorted(official_names().keys() - set(countries))
    if others and crc32(native_id.encode()) % 2 and official_names().keys() >= set(countries):
        return {"allowed": others}
    return {"blocked": list(countries)}


class YouTubeAnswers:
    """See `SimulatedPlatform`."""

    def __init__(self, accounts: Sequence[HistoryAccount], faults: FaultPlan, now: datetime) -> None:
        self._accounts = {account.native_id: account for account in accounts}
        self._faults, self._now = faults, now
        self._requests: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Requests, and ids asked for, by endpoint."""
        return {
            path.rpartition("/")[2]: {"requests": n, "ids": self._ids[path]}
            for path, n in self._requests.items()
        }

    def move_to(self, now: datetime) -> None:
        self._now = now

    def reply(self, host: str, path: str, query: str, accept: str) -> SimulatedReply:  # noqa: ARG002
        if path not in _PREFIX:
            return _FAILED[FaultKind.UNKNOWN_PATH]
        self._requests[path] += 1
        kind = self._faults.of(self._now, f"{path}?{query}")
        if kind is FaultKind.HANG:
            return SimulatedReply(0, b"", cut=True, hang_s=self._faults.hang_s)
        if kind is not None and kind in _FAILED:
            return _FAILED[kind]
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        ids = [one for one in asked.get("id", "").split(",") if one]
        if path == _CHANNELS and "forHandle" in asked:
            ids = self._of_handle(asked["forHandle"])
        self._ids[path] += len(ids)
        if not ids and "forHandle" not in asked:
            return error(400, "missingRequiredParameter", "youtube.parameter")
        if len(ids) > _MOST:
            return _FAILED[FaultKind.BAD_REQUEST]
        body = dumps(self._list(path, query, ids, kind))
        cut = body[: len(body) // 2] if kind is FaultKind.TRUNCATED else body
        hang_s = self._faults.slow_s if kind is FaultKind.SLOW else 0.0
        return SimulatedReply(200, cut, content_type=_JSON_TYPE, hang_s=hang_s)

    def _list(self, path: str, query: str, ids: Sequence[str], kind: FaultKind | None) -> dict[str, object]:
        found = [] if kind is FaultKind.ALL_NOT_FOUND else [self._shown(path, one) for one in ids]
        items = [item for item in found if item is not None]
        total = len(items)
        if items and kind is not None:
            hit = self._faults.victim(self._now, query, total)
            items[hit : hit + 1] = _twisted(kind, items[hit], path)
        name = "video" if path == _VIDEOS else "channel"
        document: dict[str, object] = {
            "kind": f"youtube#{name}ListResponse",
            "pageInfo": {"totalResults": total, "resultsPerPage": total},
        }
        # Others have seen it both left out and empty where there is none.
        return document | ({"items": items} if items or kind is FaultKind.NEW_HOST else {})

    def _shown(self, path: str, one: str) -> dict[str, object] | None:
        account = self._accounts.get(_PREFIX[path] + one)
        if account is None or self._faults.lied_about(self._now, account.native_id):
            return None
        return (video if path == _VIDEOS else channel)(account, self._now)

    def _of_handle(self, handle: str) -> list[str]:
        wanted = handle.removeprefix("@").lower()
        channels = (account for account in self._accounts.values() if video_of(account.native_id) is None)
        return [a.native_id for a in channels if a.handle_at(self._now).lower() == wanted][:1]


def _twisted(kind: FaultKind, item: dict[str, object], path: str) -> list[dict[str, object]]:
    """What stands in a list where one item would, if a fault hits it."""
    match kind:
        case FaultKind.OMITTED:
            return []
        case FaultKind.CONTRADICTORY:
            return [item, item | {"status": {"uploadStatus": "rejected", "privacyStatus": "private"}}]
        case FaultKind.ODD_ERROR:
            return [item | {"status": {"uploadStatus": "simulated", "privacyStatus": "simulated"}}]
        case FaultKind.NO_PROTECTED:
            return [{name: value for name, value in item.items() if name != "status"}]
        case FaultKind.ODD_WITHHELD if path == _VIDEOS:
            return [item | {"contentDetails": {"regionRestriction": {"blocked": ["simulated"]}}}]
        case FaultKind.FOREIGN_ERROR:
            return [item, item | {"id": _STRANGER[path], "status": {"privacyStatus": "private"}}]
        case _:
            return [item]
