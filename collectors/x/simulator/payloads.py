"""Pure: the JSON that X API v2 sends, as recorded, built from the true state of an account.

Kept apart from the collector's parser: tests compare it with recorded answers.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from collectors.simulator.engagement_file import SimulatedAct
from storage.model.core.availability import State, Status
from storage.model.core.signals import SignalKind

OLD_HOST = "https://api.twitter.com"
NEW_HOST = "https://api.x.com"
"""X moved the host in its problem types; both are met."""

AVAILABLE = State(Status.AVAILABLE)
_CREATED_AT = "2015-06-01T00:00:00.000Z"
_REFERENCE = {
    SignalKind.REPOST: "retweeted",
    SignalKind.QUOTE: "quoted",
    SignalKind.REPLY: "replied_to",
}


@dataclass(frozen=True, slots=True)
class Fragment:
    """What an answer holds of one account: an item of `data`, or one of `errors`."""

    is_error: bool
    json: bytes


class Spelling(StrEnum):
    """How X spells what it used to call a tweet, in names of fields and parameters."""

    TWEET = "tweet"
    POST = "post"


def dumps(value: object) -> bytes:
    """Compact JSON, as X sends it."""
    return json.dumps(value, separators=(",", ":")).encode()


def problem_type(name: str, host: str = OLD_HOST) -> str:
    """The `type` of a problem."""
    return f"{host}/2/problems/{name}"


def user(
    native_id: str, handle: str, state: State, fields: Collection[str], following: int | None = None
) -> dict[str, object]:
    """An item of `data`: of the optional fields those that were asked for. `following`: how many it follows,
    None where it does not matter.
    """
    item: dict[str, object] = {"id": native_id, "name": handle, "username": handle}
    if "created_at" in fields:
        item["created_at"] = _CREATED_AT
    if "protected" in fields:
        item["protected"] = state.status is Status.PROTECTED
    if "verified" in fields:
        item["verified"] = False
    if "public_metrics" in fields:
        item["public_metrics"] = {
            "followers_count": 1200,
            "following_count": 340 if following is None else following,
            "tweet_count": 5600,
            "listed_count": 7,
            "like_count": 890,
            "media_count": 45,
        }
    if "withheld" in fields and state.status is Status.WITHHELD:
        item["withheld"] = {"country_codes": list(state.withheld_in), "scope": "user"}
    return item


def suspended(parameter: str, value: str, host: str = OLD_HOST) -> dict[str, object]:
    """An item of `errors`. Suspended and not found share their type."""
    detail = f"User has been suspended: [{value}]."
    return _error("user", parameter, value, "Forbidden", detail, problem_type("resource-not-found", host))


def not_found(parameter: str, value: str, host: str = OLD_HOST) -> dict[str, object]:
    """An item of `errors`."""
    detail = f"Could not find user with {parameter}: [{value}]."
    problem = problem_type("resource-not-found", host)
    return _error("user", parameter, value, "Not Found Error", detail, problem)


def not_authorized(value: str) -> dict[str, object]:
    """An item of `errors` on the timeline of a protected account."""
    detail = f"Sorry, you are not authorized to see the user with id: [{value}]."
    problem = problem_type("not-authorized-for-resource")
    return _error("user", "id", value, "Authorization Error", detail, problem) | {"section": "data"}


def odd_error(parameter: str, value: str) -> dict[str, object]:
    """An item of `errors` of a type that says nothing of the account."""
    detail = f"Could not hydrate user: [{value}]."
    return _error("user", parameter, value, "Internal Error", detail, problem_type("internal-error"))


def post(
    number: str,
    author_id: str,
    state: State,
    fields: Collection[str],
    spelling: Spelling,
    *,
    with_author: bool,
) -> dict[str, object]:
    """An item of `data` about a post that is shown. `with_author`: it is withheld because its author is."""
    item = _target(number, author_id, spelling, fields)
    if "withheld" in fields and state.status is Status.WITHHELD:
        scope = "user" if with_author else spelling.value
        item["withheld"] = {"copyright": False, "country_codes": list(state.withheld_in), "scope": scope}
    return item


def post_not_found(number: str, spelling: Spelling, host: str = OLD_HOST) -> dict[str, object]:
    """An item of `errors`."""
    detail = f"Could not find {spelling} with ids: [{number}]."
    problem = problem_type("resource-not-found", host)
    return _error(spelling, "ids", number, "Not Found Error", detail, problem)


def post_not_authorized(number: str, spelling: Spelling, host: str = OLD_HOST) -> dict[str, object]:
    """An item of `errors` about a post of a suspended or protected account."""
    detail = f"Sorry, you are not authorized to see the {spelling.title()} with ids: [{number}]."
    problem = problem_type("not-authorized-for-resource", host)
    return _error(spelling, "ids", number, "Authorization Error", detail, problem) | {"section": "data"}


def odd_post_error(number: str, spelling: Spelling) -> dict[str, object]:
    """An item of `errors` of a type that says nothing of the post."""
    detail = f"Could not hydrate {spelling}: [{number}]."
    return _error(spelling, "ids", number, "Internal Error", detail, problem_type("internal-error"))


def lookup(fragments: Sequence[Fragment]) -> bytes:
    """The answer to a lookup of several users; X leaves out the part that is empty."""
    data = b",".join([fragment.json for fragment in fragments if not fragment.is_error])
    errors = b",".join([fragment.json for fragment in fragments if fragment.is_error])
    if not errors:
        return b'{"data":[' + data + b"]}"
    if not data:
        return b'{"errors":[' + errors + b"]}"
    return b'{"data":[' + data + b'],"errors":[' + errors + b"]}"


def timeline(
    acts: Sequence[SimulatedAct],
    next_token: str | None,
    spelling: Spelling,
    fields: Collection[str],
    with_targets: bool,
) -> dict[str, object]:
    """A page of posts, newest first; `with_targets` adds the posts that they refer to."""
    posts = [_post(act, spelling, fields) for act in acts]
    meta: dict[str, object] = {"result_count": len(posts)}
    if posts:
        meta |= {"newest_id": posts[0]["id"], "oldest_id": posts[-1]["id"]}
    if next_token is not None:
        meta["next_token"] = next_token
    answer: dict[str, object] = {"data": posts} if posts else {}
    targets = {act.target_id: act.target_author_id for act in acts if act.target_id and act.target_author_id}
    if targets and with_targets:
        items = [_target(post_id, author, spelling, fields) for post_id, author in targets.items()]
        answer["includes"] = {f"{spelling}s": items}
    return answer | {"meta": meta}


def invalid_request(parameter: str, value: str, message: str) -> dict[str, object]:
    """The body of a 400: one malformed value fails the whole request."""
    return {
        "errors": [{"parameters": {parameter: [value]}, "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": problem_type("invalid-request"),
    }


UNAUTHORIZED: Mapping[str, object] = {
    "title": "Unauthorized",
    "type": "about:blank",
    "status": 401,
    "detail": "Unauthorized",
}
CREDITS_DEPLETED: Mapping[str, object] = {
    "title": "CreditsDepleted",
    "detail": "Your enrolled account does not have any credits to fulfill this request.",
    "type": problem_type("credits"),
}
UNSUPPORTED_AUTHENTICATION: Mapping[str, object] = {
    "title": "Unsupported Authentication",
    "detail": "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported "
    "authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context].",
    "type": problem_type("unsupported-authentication"),
    "status": 403,
}
CLIENT_FORBIDDEN: Mapping[str, object] = {
    "title": "Client Forbidden",
    "detail": "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens "
    "from a Twitter developer App that is attached to a Project.",
    "reason": "client-not-enrolled",
    "type": problem_type("client-forbidden"),
}
TOO_MANY_REQUESTS: Mapping[str, object] = {
    "title": "Too Many Requests",
    "detail": "Too Many Requests",
    "type": "about:blank",
    "status": 429,
}
SERVICE_UNAVAILABLE: Mapping[str, object] = {
    "title": "Service Unavailable",
    "detail": "Service Unavailable",
    "type": "about:blank",
    "status": 503,
}
USAGE_CAP_EXCEEDED: Mapping[str, object] = {
    "title": "UsageCapExceeded",
    "detail": "Usage cap exceeded: Monthly product cap",
    "account_id": 1,
    "period": "Monthly",
    "scope": "Product",
    "type": problem_type("usage-capped"),
}
HTML = b"<!DOCTYPE html><html><head><title>X</title></head><body><h1>Something went wrong.</h1></body></html>"


def _error(
    resource_type: str, parameter: str, value: str, title: str, detail: str, problem: str
) -> dict[str, object]:
    return {
        "value": value,
        "detail": detail,
        "title": title,
        "resource_type": resource_type,
        "parameter": parameter,
        "resource_id": value,
        "type": problem,
    }


def _post(act: SimulatedAct, spelling: Spelling, fields: Collection[str]) -> dict[str, object]:
    post: dict[str, object] = {"id": act.post_id, "text": ""}
    post[f"edit_history_{spelling}_ids"] = [act.post_id]
    if "author_id" in fields:
        post["author_id"] = act.actor_id
    if "created_at" in fields:
        post["created_at"] = act.at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    references = f"referenced_{spelling}s"
    if references in fields and act.kind in _REFERENCE:
        post[references] = [{"type": _REFERENCE[act.kind], "id": act.target_id}]
    if "in_reply_to_user_id" in fields and act.kind is SignalKind.REPLY and act.target_author_id:
        post["in_reply_to_user_id"] = act.target_author_id
    return post


def _target(post_id: str, author_id: str, spelling: Spelling, fields: Collection[str]) -> dict[str, object]:
    target: dict[str, object] = {"id": post_id, "text": ""}
    target[f"edit_history_{spelling}_ids"] = [post_id]
    if "author_id" in fields:
        target["author_id"] = author_id
    return target
