"""Bluesky as a test wants it, on one address for all its servers, and a collector that asks it."""

import json
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.wire.profiles import CONTENT_LABELERS
from collectors.core.collector import CollectorAnswer
from tests.support.samples.bluesky_answers import HEARD, MAIN, REGION, document
from tests.support.simulated.scripted_x import ONCE, Script, Scripted, Told, scripted

Said = tuple[int, Any] | Script
"""Status and body (JSON value or bytes) of an answer, or what makes the answer of a request."""

NOT_SHOWN: Said = (400, {"error": "InvalidRequest", "message": "Profile not found"})
TAKEN_DOWN: Said = (400, {"error": "AccountTakedown", "message": "Account has been suspended"})
DEACTIVATED: Said = (400, {"error": "AccountDeactivated", "message": "Account is deactivated"})
NO_HANDLE: Said = (400, {"error": "HandleNotFound", "message": "Unable to resolve handle"})
NO_RECORD: Said = (400, {"error": "RecordNotFound", "message": "Could not locate record"})
REPO_GONE: Said = (400, {"error": "RepoNotFound", "message": "Could not find repo for DID"})
DOWN: Said = (503, b"<html>down</html>")


def did(n: int) -> str:
    """The n-th DID of a test."""
    return "did:plc:" + "".join(
        "234567abcdefghijklmnopqrstuvwxyz"[n >> shift & 31] for shift in range(115, -1, -5)
    )


def shown(did: str, handle: str = "name.test", **parts: object) -> dict[str, object]:
    """A profile as the app shows it."""
    return {"did": did, "handle": handle, "labels": [], **parts}


def post(n: int, author: int = 1) -> str:
    """The address of the n-th post of the author with this number."""
    return f"at://{did(author)}/app.bsky.feed.post/3k{n}"


def shown_post(uri: str, handle: str = "name.test", **parts: object) -> dict[str, object]:
    """A post as the app shows it."""
    author = shown(uri.split("/")[2], handle)
    record = {"$type": "app.bsky.feed.post", "text": "private words"}
    return {"uri": uri, "cid": "bafyrei", "author": author, "record": record, "labels": [], **parts}


def holds(did: str, *, active: bool = True, **parts: object) -> Said:
    """The repo status of an account that the server holds."""
    return 200, {"did": did, "active": active, **parts}


@dataclass(slots=True)
class Stage:
    """What each server says of each account: by DID, or by handle where the app is asked for one.

    `pds` is where DID documents lead when `documents` holds none; None: to this very server.
    """

    profiles: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    alone: dict[str, Said] = field(default_factory=dict[str, Said])
    documents: dict[str, Said] = field(default_factory=dict[str, Said])
    repos: dict[str, Said] = field(default_factory=dict[str, Said])
    posts: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    served: dict[str, Said] = field(default_factory=dict[str, Said])
    """What the server of its author says of a post, by its address; NO_RECORD if nothing."""
    proofs: dict[str, Said] = field(default_factory=dict[str, Said])
    """What it proves of it, by the same address; NO_RECORD if nothing."""
    resolved: dict[str, Said] = field(default_factory=dict[str, Said])
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict[tuple[str, str], list[str]])
    calls: dict[str, Said] = field(default_factory=dict[str, Said])
    """What a whole call says, whoever it is about, by the last part of its name."""
    log: Said | None = None
    """What the directory says when it is asked for the log of a document; None: the document."""
    pds: str | None = None
    heard: str = HEARD
    base_url: str = ""

    def answer(self, request: web.BaseRequest) -> Told:
        query, name = request.rel_url.query, request.path.rpartition(".")[2]
        if name in self.calls:
            return respond(self.calls[name], request)
        match name:
            case "getProfiles":
                found = [self.profiles[one] for one in query.getall("actors") if one in self.profiles]
                return respond((200, {"profiles": found}), request, self.heard)
            case "getProfile":
                actor = query["actor"]
                one = self.profiles.get(actor)
                said = self.alone.get(actor, (200, one) if one else NOT_SHOWN)
                return respond(said, request, self.heard)
            case "getPosts":
                found = [self.posts[one] for one in query.getall("uris") if one in self.posts]
                return respond((200, {"posts": found}), request, self.heard)
            case "getRecord":
                who = query.get("repo") or query["did"]
                uri = f"at://{who}/{query['collection']}/{query['rkey']}"
                said = self.served.get(uri, NO_RECORD)
                return respond(self.proofs.get(uri, NO_RECORD) if "did" in query else said, request)
            case "getRepoStatus":
                return respond(self.repos.get(query["did"], REPO_GONE), request)
            case "resolveHandle":
                return respond(self.resolved.get(query["handle"], NO_HANDLE), request)
            case "listRecords":
                return respond(
                    (200, self.page(query["repo"], query["collection"], query.get("cursor"))), request
                )
            case _ if self.log is not None and request.path.endswith("/log/audit"):
                return respond(self.log, request)
            case _:
                asked = request.path.split("/")[1]
                there = (200, document(asked, self.pds or self.base_url))
                return respond(self.documents.get(asked, there), request)

    def page(self, repo: str, collection: str, cursor: str | None) -> dict[str, object]:
        keys = sorted(self.records.get((repo, collection), ()), reverse=True)
        left = [key for key in keys if cursor is None or key < cursor][:100]
        value = {
            "subject": {"uri": f"at://{did(9)}/app.bsky.feed.post/3k"},
            "createdAt": "2026-11-24T13:45:03Z",
        }
        items = [{"uri": f"at://{repo}/{collection}/{key}", "value": value} for key in left]
        return {"records": items, **({"cursor": left[-1]} if left else {})}


def respond(said: Said, request: web.BaseRequest, heard: str | None = None) -> Told:
    if callable(said):
        return said(request)
    status, body = said
    headers = {CONTENT_LABELERS: heard} if heard is not None and status == 200 else {}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.Response(status=status, body=raw, headers=headers)


def statuses(answer: CollectorAnswer) -> dict[str, str]:
    """By DID the status that was read, or the reason why none was."""
    said = {reading.native_id: reading.state.status.value for reading in answer.readings}
    return said | {miss.native_id: miss.reason.value for miss in answer.missed}


def names(server: Scripted) -> list[str]:
    """The calls that a server was asked for, in order; "document" and "log" for those of a directory, "proof"
    for that of a record.
    """

    def name(request: web.BaseRequest) -> str:
        if request.path.endswith(".sync.getRecord"):
            return "proof"
        if request.path.startswith("/xrpc/"):
            return request.path.rpartition(".")[2]
        return "log" if request.path.endswith("/log/audit") else "document"

    return [name(request) for request in server.asked]


def collector(base_url: str, **settings: Any) -> BlueskyCollector:
    """A collector with no repeats and no chance in it, unless `settings` of BlueskyCollector say so."""
    given: dict[str, Any] = {
        "app_view": base_url,
        "plc": base_url,
        "main_labeler": MAIN,
        "regions": {"TR": REGION},
        "http": ONCE,
        "dice": random.Random(1),
    }
    return BlueskyCollector(**given | settings)


@asynccontextmanager
async def staged(stage: Stage, **settings: Any) -> AsyncGenerator[tuple[BlueskyCollector, Scripted]]:
    """The stage on a real socket, and a collector that asks it."""
    async with scripted(stage.answer) as server:
        stage.base_url = server.base_url
        async with collector(server.base_url, **settings) as bluesky:
            yield bluesky, server
