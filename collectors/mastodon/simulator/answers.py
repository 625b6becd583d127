"""Pure: what the servers of Mastodon answer to a request, with their rate limits and the faults of a plan.

Every server of the history answers for itself, told apart by the Host header.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, unquote

from collectors.mastodon.simulator import payloads
from collectors.mastodon.simulator.faults import STRANGE_ACCOUNT, STRANGE_POST, failed, limits, twisted
from collectors.mastodon.simulator.ids import actor_of
from collectors.mastodon.simulator.payloads import ACTOR_TYPE, HTML, HTML_TYPE, JRD_TYPE, JSON_TYPE, dumps
from collectors.mastodon.simulator.world import MastodonHost, MastodonWorld, ServerMember, WatchedPost
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.reply import SimulatedReply

_WINDOW: Final = timedelta(minutes=5)
_PAGING_WINDOW: Final = timedelta(minutes=15)
_is_page = re.compile(r"(?:^|&)(?:max|min|since)_id=").search
_BATCH_KEYS: Final = ("id[]=", "id%5B%5D=", "id%5b%5d=")
_MOST_ACCOUNTS: Final = 40
_MOST_POSTS: Final = 20
_LARGEST_ID: Final = 10**19
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_FOUND: Final = SimulatedReply(404, payloads.RECORD_NOT_FOUND, content_type=JSON_TYPE)
_TOO_MANY_IDS: Final = SimulatedReply(422, payloads.error("Validation failed"), content_type=JSON_TYPE)
_ODD: Final = SimulatedReply(200, payloads.error("Record could not be shown"), content_type=JSON_TYPE)
_NO_PAGE: Final = SimulatedReply(404, HTML, content_type=HTML_TYPE)

_BATCH, _POSTS, _WEBFINGER, _ACTOR = "accounts", "statuses", "webfinger", "users/:name"
_ROUTES: Final = {
    _BATCH: re.compile(r"/api/v1/accounts()").fullmatch,
    _POSTS: re.compile(r"/api/v1/statuses()").fullmatch,
    "statuses/:id": re.compile(r"/api/v1/statuses/([^/]+)").fullmatch,
    "accounts/lookup": re.compile(r"/api/v1/accounts/lookup()").fullmatch,
    "accounts/:id": re.compile(r"/api/v1/accounts/([^/]+)").fullmatch,
    "accounts/:id/statuses": re.compile(r"/api/v1/accounts/([^/]+)/statuses").fullmatch,
    "statuses/:id/favourited_by": re.compile(r"/api/v1/statuses/([^/]+)/favourited_by").fullmatch,
    "instance": re.compile(r"/api/v[12]/instance()").fullmatch,
    "instance/domain_blocks": re.compile(r"/api/v1/instance/domain_blocks()").fullmatch,
    _WEBFINGER: re.compile(r"/\.well-known/webfinger()").fullmatch,
    _ACTOR: re.compile(r"(/.+)").fullmatch,
}


@dataclass(frozen=True, slots=True)
class _ServerRequest:
    """One request to one server. `name` is the variable part of its path, `kind` the fault that it meets."""

    server: MastodonHost
    name: str
    query: str
    accept: str
    request: str
    kind: FaultKind | None

    def text(self, parameter: str) -> str:
        return dict(parse_qsl(self.query)).get(parameter, "")

    def number(self, parameter: str, otherwise: int) -> int:
        """What is no number counts as not given."""
        text = self.text(parameter)
        return int(text) if text.isdecimal() and len(text) < 20 else otherwise


class MastodonAnswers:
    """Answers requests at the time of its world, and counts them."""

    def __init__(self, world: MastodonWorld, faults: FaultPlan, limit: int | None) -> None:
        self._world = world
        self._faults = faults
        self._limit = limit
        self._used: dict[tuple[str, timedelta], tuple[int, int]] = {}
        """By server and length of the window: its number since the epoch, and the requests in it."""
        self._requests: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._answers: Mapping[str, Callable[[_ServerRequest], SimulatedReply]] = {
            _BATCH: self._accounts,
            _POSTS: self._several_posts,
            "statuses/:id": self._post,
            "accounts/lookup": self._lookup,
            "accounts/:id": self._account,
            "accounts/:id/statuses": self._statuses,
            "statuses/:id/favourited_by": self._favourited_by,
            "instance": self._instance,
            "instance/domain_blocks": lambda _: SimulatedReply(200, b"[]", content_type=JSON_TYPE),
            _WEBFINGER: self._webfinger,
            _ACTOR: self._actor,
        }

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Requests, and ids asked for, by endpoint."""
        return {name: {"requests": n, "ids": self._ids[name]} for name, n in self._requests.items()}

    def move_to(self, now: datetime) -> None:
        """Set the simulated time."""
        self._world.move_to(now)

    def reply(self, host: str, path: str, query: str, accept: str) -> SimulatedReply:
        """The answer to a GET of `path` with the raw `query` at the server that the Host header names."""
        server = self._world.server(host)
        if server is None:
            return self._elsewhere(host, path, query)
        endpoint, name = _endpoint(path)
        self._requests[endpoint] += 1
        headers: Mapping[str, str] = {}
        if self._limit is not None and path.startswith("/api/"):
            headers, is_over = self._counted(server, self._limit, query)
            if is_over:
                return SimulatedReply(429, payloads.TOO_MANY_REQUESTS, headers, JSON_TYPE)
        request = f"{server.host}{path}?{query}"
        kind = self._faults.of(self._world.now, request)
        reply = failed(kind, self._world.now, self._faults.hang_s, asks_for_many=endpoint in {_BATCH, _POSTS})
        if reply is None:
            reply = self._answers[endpoint](_ServerRequest(server, name, query, accept, request, kind))
        if kind is FaultKind.TRUNCATED:
            reply = replace(reply, body=reply.body[: len(reply.body) // 2])
        if kind is FaultKind.SLOW:
            reply = replace(reply, hang_s=self._faults.slow_s)
        return replace(reply, headers={**headers, **reply.headers}) if headers else reply

    def _elsewhere(self, host: str, path: str, query: str) -> SimulatedReply:
        """A domain that only names end in sends on to the server; any other host is none of ours.

        421 and not 404: whoever forgets the Host header must not read it as an account that is gone.
        """
        home = self._world.home_of(host)
        if home is not None and path == "/.well-known/webfinger":
            return SimulatedReply(301, b"", {"Location": f"{home}{path}?{query}"}, HTML_TYPE)
        hosts = ", ".join(self._world.hosts)
        return SimulatedReply(
            421, payloads.error(f"no server {host}; the Host header must name one of {hosts}")
        )

    def _counted(self, server: MastodonHost, limit: int, query: str) -> tuple[dict[str, str], bool]:
        """The rate-limit headers of the tightest window, and whether this request is one too many.

        Windows begin at multiples of their length, and pages are counted once more (documented).
        """
        now = self._world.now
        tightest = limit + 1, now
        for window in (_WINDOW, _PAGING_WINDOW) if _is_page(query) else (_WINDOW,):
            number = (now - _EPOCH) // window
            since, used = self._used.get((server.host, window), (number, 0))
            used = used + 1 if since == number else 1
            self._used[server.host, window] = number, used
            tightest = min(tightest, (limit - used, _EPOCH + (number + 1) * window))
        remaining, reset_at = tightest
        return limits(limit, max(remaining, 0), reset_at), remaining < 0

    def _there(self, asked: _ServerRequest, member: ServerMember | None) -> ServerMember | None:
        """The account, unless the server does not know it, or says so."""
        if member is None or asked.kind is FaultKind.ALL_NOT_FOUND or self._world.is_gone(member):
            return None
        return None if self._faults.lied_about(self._world.now, member.person.native_id) else member

    def _shows(self, asked: _ServerRequest, post: WatchedPost | None) -> bool:
        if post is None or asked.kind is FaultKind.ALL_NOT_FOUND or not post.shown_at(self._world.now):
            return False
        return not self._faults.lied_about(self._world.now, post.story.native_id)

    def _asked_ids(self, asked: _ServerRequest, endpoint: str) -> list[str]:
        parts = asked.query.split("&")
        ids = [unquote(part.partition("=")[2]) for part in parts if part.startswith(_BATCH_KEYS)]
        self._ids[endpoint] += len(ids)
        return ids

    def _accounts(self, asked: _ServerRequest) -> SimulatedReply:
        ids = self._asked_ids(asked, _BATCH)
        if len(ids) > _MOST_ACCOUNTS:
            return _TOO_MANY_IDS
        known = asked.server.by_id
        # In the order of a database, not of the question: it is not promised.
        found = [known[local_id] for local_id in sorted(set(ids)) if local_id in known]
        if asked.kind is FaultKind.ALL_NOT_FOUND or self._faults.lies:
            found = [member for member in found if self._there(asked, member)]
        with_nulls = asked.kind is FaultKind.NEW_HOST
        said = [self._world.fragment(asked.server, member, with_nulls=with_nulls) for member in found]
        return self._listed(asked, [one for one in said if one is not None], STRANGE_ACCOUNT)

    def _several_posts(self, asked: _ServerRequest) -> SimulatedReply:
        ids = self._asked_ids(asked, _POSTS)
        if len(ids) > _MOST_POSTS:
            return _TOO_MANY_IDS
        known, with_nulls = asked.server.posts, asked.kind is FaultKind.NEW_HOST
        found = [known[local_id] for local_id in sorted(set(ids)) if local_id in known]
        said = [
            self._world.post_fragment(asked.server, one, with_nulls=with_nulls)
            for one in found
            if self._shows(asked, one)
        ]
        return self._listed(asked, said, STRANGE_POST)

    def _listed(self, asked: _ServerRequest, fragments: list[bytes], strange: bytes) -> SimulatedReply:
        if asked.kind is not None and fragments:
            hit = self._faults.victim(self._world.now, asked.request, len(fragments))
            fragments[hit : hit + 1] = twisted(asked.kind, fragments[hit], strange)
        return SimulatedReply(200, payloads.array(fragments), content_type=JSON_TYPE)

    def _post(self, asked: _ServerRequest) -> SimulatedReply:
        self._ids["statuses/:id"] += 1
        post = asked.server.posts.get(asked.name)
        if asked.kind is FaultKind.ODD_ERROR:
            return _ODD
        if post is None or asked.kind is FaultKind.CONTRADICTORY or not self._shows(asked, post):
            return _NOT_FOUND
        with_nulls = asked.kind is FaultKind.NEW_HOST
        fragment = self._world.post_fragment(asked.server, post, with_nulls=with_nulls)
        return SimulatedReply(200, fragment, content_type=JSON_TYPE)

    def _account(self, asked: _ServerRequest) -> SimulatedReply:
        self._ids["accounts/:id"] += 1
        if asked.kind is FaultKind.CONTRADICTORY:
            return _NOT_FOUND
        if asked.kind is FaultKind.ODD_ERROR:
            return _ODD
        return self._shown(asked, asked.server.by_id.get(asked.name))

    def _lookup(self, asked: _ServerRequest) -> SimulatedReply:
        return self._shown(asked, _named(asked.server, asked.text("acct").removeprefix("@")))

    def _shown(self, asked: _ServerRequest, member: ServerMember | None) -> SimulatedReply:
        there = self._there(asked, member)
        if there is None:
            return _NOT_FOUND
        with_nulls = asked.kind is FaultKind.NEW_HOST
        fragment = self._world.fragment(asked.server, there, with_nulls=with_nulls)
        return _NOT_FOUND if fragment is None else SimulatedReply(200, fragment, content_type=JSON_TYPE)

    def _statuses(self, asked: _ServerRequest) -> SimulatedReply:
        self._ids["accounts/:id/statuses"] += 1
        member = self._there(asked, asked.server.by_id.get(asked.name))
        if member is None:
            return _NOT_FOUND
        if self._world.is_suspended(member):
            return SimulatedReply(200, b"[]", content_type=JSON_TYPE)
        if asked.text("pinned") == "true":
            pinned = self._world.steady_posts(asked.server, member)
            said = [self._world.post_fragment(asked.server, one, with_nulls=False) for one in pinned]
            return SimulatedReply(200, payloads.array(said), content_type=JSON_TYPE)
        min_id = asked.number("min_id", 0)
        above = max(min_id, asked.number("since_id", 0))
        posts = self._world.posts(member, above, asked.number("max_id", _LARGEST_ID))
        size = min(asked.number("limit", 20) or 20, 40)
        page = posts[-size:] if min_id else posts[:size]
        author = payloads.account(member.person, asked.server.host, self._world.state(member))
        items = [payloads.status(act, member.person, asked.server.host, author) for act in page]
        ids = [act.post_id for act in page]
        return SimulatedReply(200, dumps(items), _links(asked, ids[:1], ids[-1:]), JSON_TYPE)

    def _favourited_by(self, asked: _ServerRequest) -> SimulatedReply:
        self._ids["statuses/:id/favourited_by"] += 1
        fans = self._world.likes(asked.server, asked.name)
        if fans is None or asked.kind is FaultKind.ALL_NOT_FOUND:
            return _NOT_FOUND
        size = min(asked.number("limit", 40) or 40, 80)
        numbered = list(enumerate(fans, start=1))[::-1]
        page = [(n, fan) for n, fan in numbered if n < asked.number("max_id", _LARGEST_ID)][:size]
        host = asked.server.host
        items = [payloads.account(fan.person, host, self._world.state(fan)) for _, fan in page]
        older = [str(n) for n, _ in page[-1:] if n > 1]
        return SimulatedReply(
            200, dumps(items), _links(asked, [str(n) for n, _ in page[:1]], older), JSON_TYPE
        )

    def _instance(self, asked: _ServerRequest) -> SimulatedReply:
        contact = self._world.contact(asked.server)
        account = contact and payloads.account(contact.person, asked.server.host, self._world.state(contact))
        return SimulatedReply(
            200, dumps(payloads.instance(asked.server.host, account)), content_type=JSON_TYPE
        )

    def _webfinger(self, asked: _ServerRequest) -> SimulatedReply:
        resource = asked.text("resource")
        if not resource:
            return SimulatedReply(400, b"", content_type=JRD_TYPE)
        if resource.startswith("acct:"):
            member = _named(asked.server, resource.removeprefix("acct:"))
        else:
            member = asked.server.by_path.get(actor_of(resource).path)
        there = self._there(asked, member)
        if there is None:
            return SimulatedReply(404, b"", content_type=JRD_TYPE)
        return SimulatedReply(200, dumps(payloads.webfinger(there.person)), content_type=JRD_TYPE)

    def _actor(self, asked: _ServerRequest) -> SimulatedReply:
        post = asked.server.posts.get(asked.name.rpartition("/")[2])
        if post is not None and asked.name in post.paths:
            return self._page_of_post(asked, post)
        member = self._there(asked, asked.server.by_path.get(asked.name))
        if member is None:
            return _NO_PAGE
        if "json" not in asked.accept:
            return SimulatedReply(200, HTML, content_type=HTML_TYPE)
        document = payloads.actor_document(member.person, self._world.state(member))
        return SimulatedReply(200, dumps(document), content_type=ACTOR_TYPE)

    def _page_of_post(self, asked: _ServerRequest, post: WatchedPost) -> SimulatedReply:
        if self._world.is_suspended(post.author):
            return SimulatedReply(403, HTML, content_type=HTML_TYPE)
        if not self._shows(asked, post):
            return _NO_PAGE
        if "json" not in asked.accept:
            return SimulatedReply(200, HTML, content_type=HTML_TYPE)
        document = payloads.note(post.local_id, post.author.person)
        return SimulatedReply(200, dumps(document), content_type=ACTOR_TYPE)


def _endpoint(path: str) -> tuple[str, str]:
    """The endpoint of a path and what stands in its variable part: any other path is somebody's page."""
    for endpoint, is_path in _ROUTES.items():
        match = is_path(path)
        if match is not None:
            return endpoint, match[1]
    return _ACTOR, path


def _named(server: MastodonHost, acct: str) -> ServerMember | None:
    """The server's own account that is called `acct`, with its domain or without. It never asks elsewhere."""
    name, _, domain = acct.lower().partition("@")
    member = server.by_name.get(name)
    return member if member and domain in {"", member.person.domain.lower(), server.host} else None


def _links(asked: _ServerRequest, newest: Sequence[str], oldest: Sequence[str]) -> dict[str, str]:
    """The Link header of a page: where the older and the newer ones are."""
    path = asked.request.partition("?")[0]
    found = [f'<https://{path}?max_id={number}>; rel="next"' for number in oldest]
    found += [f'<https://{path}?min_id={number}>; rel="prev"' for number in newest]
    return {"Link": ", ".join(found)} if found else {}
