"""Pure: what X answers to a request, with its rate limits and with the faults of a plan."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.reply import SimulatedReply
from collectors.x.simulator import payloads, posts
from collectors.x.simulator.faults import failed, twisted
from collectors.x.simulator.follows_likes import following, invalid, liked, unreadable
from collectors.x.simulator.payloads import NEW_HOST, OLD_HOST, Fragment, Spelling, dumps
from collectors.x.simulator.rate_limits import Meter
from collectors.x.simulator.world import XWorld

_MOST_VALUES: Final = 100
_PAGE_SIZES: Final = range(5, 101)
_LARGEST_ID: Final = 10**19
_LOOKUP, _BY_HANDLE, _ONE, _POSTS = "users", "users/by", "users/:id", "tweets"

_is_id = re.compile(r"[0-9]{1,19}").fullmatch
_is_handle = re.compile(r"[A-Za-z0-9_]{1,50}").fullmatch
_of_user = re.compile(r"/2/users/([^/]+)(?:/(tweets|following|liked_tweets))?").fullmatch


class XAnswers:
    """Answers requests at the time of its world, within the limits of its meter."""

    def __init__(self, world: XWorld, faults: FaultPlan, meter: Meter, spelling: Spelling) -> None:
        self._world = world
        self._faults = faults
        self._meter = meter
        self._spelling = spelling

    def move_to(self, now: datetime) -> None:
        """Set the simulated time."""
        self._world.move_to(now)

    def reply(self, path: str, query: str, reader: str = "") -> SimulatedReply:
        """The answer to an authorised GET of `path` with the raw `query`.

        `reader` is the user whose token it came with, empty for an app's own.
        """
        endpoint, name = _endpoint(path)
        if not endpoint:
            return SimulatedReply(404, b"")
        headers, refused = self._meter.take(endpoint, reader, self._world.now)
        if refused:
            return SimulatedReply(429, dumps(payloads.TOO_MANY_REQUESTS), headers)
        request = f"{path}?{query}"
        kind = self._faults.of(self._world.now, request)
        params = dict(parse_qsl(query))
        if kind is FaultKind.EXPIRED_PAGE and "pagination_token" not in params:
            kind = None
        reply = failed(kind, self._world.now, self._faults.hang_s)
        if reply is None:
            reply = self._answer(endpoint, name, params, kind, request, reader)
        if kind is FaultKind.TRUNCATED:
            reply = replace(reply, body=reply.body[: len(reply.body) // 2])
        if kind is FaultKind.SLOW:
            reply = replace(reply, hang_s=self._faults.slow_s)
        return replace(reply, headers={**headers, **reply.headers}) if headers else reply

    def _answer(
        self,
        endpoint: str,
        name: str,
        params: dict[str, str],
        kind: FaultKind | None,
        request: str,
        reader: str,
    ) -> SimulatedReply:
        if endpoint == _LOOKUP:
            return self._users("ids", params, kind, request)
        if endpoint == _BY_HANDLE:
            return self._users("usernames", params, kind, request)
        if endpoint == _POSTS:
            return self._posts(params, kind, request)
        if not _is_id(name):
            return invalid("id", name)
        self._meter.asked(endpoint, 1)
        if endpoint == _ONE:
            return self._one(name, params, kind)
        if endpoint == "users/:id/following":
            return following(self._world, name, params, kind)
        if endpoint == "users/:id/liked_tweets":
            return liked(self._world, name, params, kind, reader, self._spelling)
        return self._timeline(name, params, kind)

    def _users(
        self, parameter: str, params: dict[str, str], kind: FaultKind | None, request: str
    ) -> SimulatedReply:
        values = _values(parameter, params)
        if isinstance(values, SimulatedReply):
            return values
        self._meter.asked(_LOOKUP if parameter == "ids" else _BY_HANDLE, len(values))
        fields = frozenset(params.get("user.fields", "").split(","))
        host = NEW_HOST if kind is FaultKind.NEW_HOST else OLD_HOST
        if parameter == "ids":
            self._meter.looked_up(values, self._world.now)
            said: Sequence[Fragment] = self._world.look_up(values, fields, host)
        else:
            said = [self._world.by_handle(value, fields, host) for value in values]
        if kind is FaultKind.ALL_NOT_FOUND or self._faults.lies:
            said = [
                self._lied(kind, value, parameter, fragment)
                for value, fragment in zip(values, said, strict=True)
            ]
        if kind is not None:
            hit = self._faults.victim(self._world.now, request, len(values))
            said = [*said[:hit], *twisted(kind, said[hit], values[hit], parameter), *said[hit + 1 :]]
        return SimulatedReply(200, payloads.lookup(said))

    def _posts(self, params: dict[str, str], kind: FaultKind | None, request: str) -> SimulatedReply:
        numbers = _values("ids", params)
        if isinstance(numbers, SimulatedReply):
            return numbers
        self._meter.asked(_POSTS, len(numbers))

        def lied_about(native_id: str) -> bool:
            is_lie = self._faults.lies and self._faults.lied_about(self._world.now, native_id)
            return kind is FaultKind.ALL_NOT_FOUND or is_lie

        asked = posts.PostsAsked.of(params, self._spelling, kind)
        hit = self._faults.victim(self._world.now, request, len(numbers))
        return SimulatedReply(200, posts.look_up(self._world, numbers, asked, lied_about, kind, hit))

    def _lied(self, kind: FaultKind | None, value: str, parameter: str, fragment: Fragment) -> Fragment:
        if kind is FaultKind.ALL_NOT_FOUND or self._faults.lied_about(self._world.now, value):
            return Fragment(True, dumps(payloads.not_found(parameter, value)))
        return fragment

    def _one(self, native_id: str, params: dict[str, str], kind: FaultKind | None) -> SimulatedReply:
        fields = frozenset(params.get("user.fields", "").split(","))
        fragment = self._world.fragment(native_id, "id", fields, OLD_HOST)
        fragment = self._lied(kind, native_id, "id", fragment)
        name = b'{"errors":[' if fragment.is_error else b'{"data":'
        return SimulatedReply(200, name + fragment.json + (b"]}" if fragment.is_error else b"}"))

    def _timeline(self, actor_id: str, params: dict[str, str], kind: FaultKind | None) -> SimulatedReply:
        token = params.get("pagination_token")
        if kind is FaultKind.EXPIRED_PAGE or not (token is None or _is_id(token)):
            return invalid("pagination_token", token or "")
        since_id, until_id = params.get("since_id", "0"), params.get("until_id", str(_LARGEST_ID))
        size = params.get("max_results", "10")
        for parameter, value in (("since_id", since_id), ("until_id", until_id), ("max_results", size)):
            if not value.isdecimal():
                return invalid(parameter, value)
        if int(size) not in _PAGE_SIZES:
            return invalid("max_results", size, f"{size} is not between 5 and 100")
        refusal = unreadable(self._world, actor_id, kind)
        if refusal is not None:
            return refusal
        below = min(int(until_id), int(token or _LARGEST_ID))
        acts = self._world.posts(actor_id, int(since_id), below)
        page = acts[: int(size)]
        next_token = page[-1].post_id if len(acts) > len(page) else None
        fields = params.get(f"{self._spelling}.fields", "").split(",")
        wants_targets = f"referenced_{self._spelling}s.id" in params.get("expansions", "").split(",")
        return SimulatedReply(
            200, dumps(payloads.timeline(page, next_token, self._spelling, fields, wants_targets))
        )


def _values(parameter: str, params: dict[str, str]) -> list[str] | SimulatedReply:
    """The ids or handles that are asked for; X refuses a request for one that is malformed."""
    values = params.get(parameter, "").split(",")
    is_sound = _is_id if parameter == "ids" else _is_handle
    if not all(map(is_sound, values)):
        return invalid(parameter, next(value for value in values if not is_sound(value)))
    if len(values) > _MOST_VALUES:
        return invalid(parameter, ",".join(values), f"at most {_MOST_VALUES} values are allowed")
    return values


def _endpoint(path: str) -> tuple[str, str]:
    """The endpoint of a path and the id in it; both empty when X has no such path."""
    if path == "/2/users":
        return _LOOKUP, ""
    if path == "/2/users/by":
        return _BY_HANDLE, ""
    if path == "/2/tweets":
        return _POSTS, ""
    match = _of_user(path)
    if match is None:
        return "", ""
    return "/".join(filter(None, (_ONE, match[2]))), match[1]
