"""Pure: what Bluesky's servers answer to a request, with their rate limits and with the faults of a plan.

One server stands for all of them (app view, server of the accounts, directory, labelers): the path of a
request says which one is meant.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, unquote

from collectors.bluesky.simulator import payloads
from collectors.bluesky.simulator.app_view import (
    GET_POSTS,
    GET_PROFILE,
    GET_PROFILES,
    GET_RELATIONSHIPS,
    AppView,
    AppViewRequest,
    bad_request,
    is_did,
    is_handle,
)
from collectors.bluesky.simulator.faults import failed
from collectors.bluesky.simulator.payloads import DID_JSON, JSON, answer, dumps
from collectors.bluesky.simulator.repo_proof import CAR, proof
from collectors.bluesky.simulator.world import BlueskyWorld, HostingStatus, RecordHolding
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.reply import SimulatedReply

STREAM: Final = "subscribe"
"""Name of the event stream among the counts."""

_WINDOW: Final = timedelta(minutes=5)
_USUAL_LIMIT: Final = 3000
_RESOLVE: Final = "com.atproto.identity.resolveHandle"
_STATUS: Final = "com.atproto.sync.getRepoStatus"
_RECORDS: Final = "com.atproto.repo.listRecords"
_RECORD: Final = "com.atproto.repo.getRecord"
_PROOF: Final = "com.atproto.sync.getRecord"
_LABELS: Final = "com.atproto.label.queryLabels"
_DOCUMENT, _AUDIT = "plc", "plc/log/audit"
_AT_HOST: Final = frozenset({_RESOLVE, _STATUS, _RECORDS, _RECORD, _PROOF})
_ASKED_FOR: Final = {
    GET_PROFILES: "actors",
    GET_PROFILE: "actor",
    GET_RELATIONSHIPS: "others",
    _RESOLVE: "handle",
    _STATUS: "did",
    _RECORDS: "repo",
    _RECORD: "rkey",
    _PROOF: "rkey",
    GET_POSTS: "uris",
    _LABELS: "uriPatterns",
}
"""The parameter of each method that names accounts or posts."""

_of_directory = re.compile(r"/(did:[^/]+)(/log/audit)?").fullmatch


@dataclass(slots=True)
class _AnswerWindow:
    since: datetime
    used: int = 0


class BlueskyAnswers:
    """Answers requests at the time of its world, and counts them."""

    def __init__(self, world: BlueskyWorld, faults: FaultPlan, limit: int | None) -> None:
        self.pds = ""
        """The address that DID documents name as the server of every account."""
        self.labeler = ""
        """The address that the DID documents of labelers name as their server."""
        self._world = world
        self._faults = faults
        self._limit = limit
        self._window: _AnswerWindow | None = None
        self._requests: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._app_view = AppView(world, faults)
        self._methods: Mapping[str, Callable[[AppViewRequest], SimulatedReply]] = {
            GET_PROFILES: self._app_view.profiles,
            GET_PROFILE: self._app_view.profile,
            GET_RELATIONSHIPS: self._app_view.relationships,
            _RESOLVE: self._resolved,
            _STATUS: self._status,
            _RECORDS: self._records,
            _RECORD: self._record,
            _PROOF: self._proof,
            GET_POSTS: self._app_view.posts,
            _LABELS: self._labels,
        }

    @property
    def now(self) -> datetime:
        return self._world.now

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Requests, and accounts asked for in those that were answered, by endpoint."""
        return {name: {"requests": n, "ids": self._ids[name]} for name, n in self._requests.items()}

    def move_to(self, now: datetime) -> None:
        """Set the simulated time."""
        self._world.move_to(now)
        self._app_view.moved(now)

    def reply(self, path: str, query: str, accept_labelers: str | None = None) -> SimulatedReply:
        """The answer to a GET of `path` with the raw `query` and the header `atproto-accept-labelers`."""
        method = path.removeprefix("/xrpc/")
        directory = _of_directory(unquote(path))
        if directory is None and method not in self._methods:
            unknown = answer(501, payloads.METHOD_NOT_IMPLEMENTED)
            return SimulatedReply(404, b"", content_type=JSON) if method == path else unknown
        name = method if directory is None else _AUDIT if directory[2] else _DOCUMENT
        self._requests[name] += 1
        headers, refused = self._counted() if name in _AT_HOST else ({}, False)
        if refused:
            return answer(429, payloads.RATE_LIMITED, headers)
        request = f"{path}?{query}"
        kind = self._faults.of(self.now, request)
        reply = failed(kind, self.now, self._faults.hang_s, name in _AT_HOST)
        if reply is None and directory is not None:
            reply = self._registered(name, directory[1])
        elif reply is None:
            asked = AppViewRequest(request, parse_qs(query, keep_blank_values=True), accept_labelers, kind)
            self._ids[name] += len(asked.every(_ASKED_FOR[name]))
            reply = self._methods[name](asked)
        if kind is FaultKind.TRUNCATED:
            reply = replace(reply, body=reply.body[: len(reply.body) // 2])
        elif kind is FaultKind.SLOW:
            reply = replace(reply, hang_s=self._faults.slow_s)
        return replace(reply, headers={**headers, **reply.headers}) if headers else reply

    def refused_stream(self, request: str) -> SimulatedReply | None:
        """Count a request for the event stream; the answer in its place when a fault hits it, else None."""
        self._requests[STREAM] += 1
        return failed(self._faults.of(self.now, request), self.now, self._faults.hang_s, at_host=False)

    def _counted(self) -> tuple[dict[str, str], bool]:
        """The rate-limit headers of the server of the accounts, and whether this request is one too many.

        Without a limit every answer is the first in its window, as if each account had a server of its own.
        """
        now, limit = self.now, _USUAL_LIMIT if self._limit is None else self._limit
        window = self._window
        if self._limit is None or window is None or not window.since <= now < window.since + _WINDOW:
            window = self._window = _AnswerWindow(now)
        window.used = min(window.used + 1, limit + 1)
        reset_at = window.since + _WINDOW
        headers = {
            "ratelimit-limit": str(limit),
            "ratelimit-reset": str(int(reset_at.timestamp())),
            "ratelimit-remaining": str(max(limit - window.used, 0)),
            "ratelimit-policy": f"{limit};w={int(_WINDOW.total_seconds())}",
        }
        refused = window.used > limit
        if refused:
            headers["retry-after"] = str(int((reset_at - now).total_seconds()))
        return headers, refused

    def _resolved(self, asked: AppViewRequest) -> SimulatedReply:
        handle = asked.first("handle")
        if not is_handle(handle):
            return bad_request(_RESOLVE, f'Invalid handle (got "{handle}")')
        did = self._world.did_of(handle)
        if did is None or self._world.standing(did) is not HostingStatus.ACTIVE:
            return answer(400, payloads.HANDLE_NOT_FOUND)
        return answer(200, {"did": did})

    def _status(self, asked: AppViewRequest) -> SimulatedReply:
        did = asked.first("did")
        if not is_did(did):
            return bad_request(_STATUS, f'Invalid DID (got "{did}")')
        if asked.kind is FaultKind.ODD_ERROR:
            return answer(400, payloads.UNDER_REVIEW)
        standing = self._world.standing(did)
        is_gone = standing in {HostingStatus.DELETED, HostingStatus.UNREGISTERED}
        if is_gone or (self._faults.lies and self._faults.lied_about(self.now, did)):
            return answer(400, payloads.repo_not_found(did))
        status = None if standing is HostingStatus.ACTIVE else standing.value
        return answer(200, payloads.repo_status(did, status))

    def _records(self, asked: AppViewRequest) -> SimulatedReply:
        repo, collection = asked.first("repo"), asked.first("collection")
        if not repo or not collection:
            return bad_request(_RECORDS, f'Missing required key "{"collection" if repo else "repo"}"')
        size = _number(asked.first("limit") or "50", range(1, 101))
        if size is None:
            return bad_request(_RECORDS, "limit is not an integer from 1 to 100")
        did = self._world.did_of(repo)
        if did is None or self._world.standing(did) is not HostingStatus.ACTIVE:
            return answer(400, payloads.no_repo(repo))
        below = asked.first("cursor")
        acts = [a for a in self._world.records(did, collection) if not below or a.post_id < below][:size]
        page: dict[str, object] = {"records": [payloads.record(act) for act in acts]}
        if acts:
            page["cursor"] = acts[-1].post_id
        return answer(200, page)

    def _record(self, asked: AppViewRequest) -> SimulatedReply:
        if asked.kind is FaultKind.ODD_ERROR:
            return answer(400, payloads.UNDER_REVIEW)
        repo, collection, rkey = (asked.first(name) for name in ("repo", "collection", "rkey"))
        if not repo or not collection or not rkey:
            return bad_request(_RECORD, "repo, collection or rkey is missing")
        did = self._world.did_of(repo)
        if did is None or self._world.standing(did) is not HostingStatus.ACTIVE:
            return answer(400, payloads.no_repo(repo))
        uri = f"at://{did}/{collection}/{rkey}"
        if self._holding(uri) is not RecordHolding.SERVED:
            return answer(400, payloads.record_not_found(uri))
        return answer(200, payloads.served_record(uri))

    def _proof(self, asked: AppViewRequest) -> SimulatedReply:
        did, path = asked.first("did"), f"{asked.first('collection')}/{asked.first('rkey')}"
        if self._world.standing(did) is not HostingStatus.ACTIVE:
            return answer(400, payloads.repo_not_found(did))
        uri = f"at://{did}/{path}"
        record = None if self._holding(uri) is RecordHolding.ABSENT else payloads.post_record(uri)
        return SimulatedReply(200, proof(did, path, record), content_type=CAR)

    def _holding(self, uri: str) -> RecordHolding:
        is_lied_about = self._faults.lies and self._faults.lied_about(self.now, uri)
        return RecordHolding.ABSENT if is_lied_about else self._world.holding(uri)

    def _labels(self, asked: AppViewRequest) -> SimulatedReply:
        patterns, sources = asked.every("uriPatterns"), asked.every("sources")
        size = _number(asked.first("limit") or "50", range(1, 251))
        after = _number(asked.first("cursor") or "0", range(10**12))
        if not patterns or size is None or after is None:
            return bad_request(_LABELS, "uriPatterns is missing, or limit or cursor is not a number")
        whole = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
        starts = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
        rows = [
            row
            for row in self._world.label_rows()
            if row.number > after
            and (row.uri in whole or row.uri.startswith(starts))
            and (not sources or row.src in sources)
        ][:size]
        labels = [payloads.label_row(row.src, row.uri, row.val, row.at, row.negated) for row in rows]
        page: dict[str, object] = {"cursor": str(rows[-1].number)} if rows else {}
        return answer(200, {**page, "labels": labels})

    def _registered(self, name: str, did: str) -> SimulatedReply:
        self._ids[name] += 1
        if name == _DOCUMENT and did in {self._world.main_labeler, *self._world.regional}:
            document = payloads.labeler_document(did, self.labeler)
            return SimulatedReply(200, dumps(document), content_type=DID_JSON)
        if did not in self._world:
            return answer(404, {"message": f"DID not registered: {did}"})
        handles = self._world.handles(did)
        if name == _AUDIT:
            return answer(200, payloads.audit_log(did, handles, self.pds))
        document = payloads.did_document(did, handles[-1][1], self.pds)
        return SimulatedReply(200, dumps(document), content_type=DID_JSON)


def _number(text: str, allowed: range) -> int | None:
    """A number of a query; None when it is none, or not one of those allowed."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    return number if number in allowed else None
