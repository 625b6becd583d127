"""Pure: what X answers to a question for the lists of one user: whom they follow, what they liked."""

from collections.abc import Mapping
from typing import Final

from collectors.simulator.faults import FaultKind
from collectors.simulator.reply import SimulatedReply
from collectors.x.simulator import payloads
from collectors.x.simulator.payloads import Spelling, dumps
from collectors.x.simulator.world import XWorld
from storage.model.core.availability import Status

_FOLLOWS_SIZES: Final = range(1, 1001)
_LIKES_SIZES: Final = range(5, 101)


def following(
    world: XWorld, native_id: str, params: Mapping[str, str], kind: FaultKind | None
) -> SimulatedReply:
    """`GET /2/users/:id/following`: the newest first, without those who cannot be seen themselves."""
    asked = _asked(params, kind, _FOLLOWS_SIZES, "100")
    if isinstance(asked, SimulatedReply):
        return asked
    start, size = asked
    refusal = unreadable(world, native_id, kind)
    if refusal is not None:
        return refusal
    targets = world.follows(native_id)
    users = [payloads.user(t, world.handle(t), payloads.AVAILABLE, ()) for t in targets[start : start + size]]
    return _page(users, start, size, len(targets))


def liked(
    world: XWorld,
    native_id: str,
    params: Mapping[str, str],
    kind: FaultKind | None,
    reader: str,
    spelling: Spelling,
) -> SimulatedReply:
    """`GET /2/users/:id/liked_tweets`: to nobody but the user who signed the request."""
    if not reader:
        return _problem(payloads.UNSUPPORTED_AUTHENTICATION)
    if reader != native_id:
        return _problem({"errors": [payloads.not_authorized(native_id)], "title": "Forbidden", "status": 403})
    asked = _asked(params, kind, _LIKES_SIZES, "100")
    if isinstance(asked, SimulatedReply):
        return asked
    start, size = asked
    likes = world.likes(native_id)
    wants_author = "author_id" in params.get(f"{spelling}.fields", "").split(",")
    posts: list[dict[str, object]] = []
    for act in likes[start : start + size]:
        post: dict[str, object] = {"id": act.post_id, "text": ""}
        post[f"edit_history_{spelling}_ids"] = [act.post_id]
        if wants_author and act.target_author_id:
            post["author_id"] = act.target_author_id
        posts.append(post)
    return _page(posts, start, size, len(likes))


def unreadable(world: XWorld, native_id: str, kind: FaultKind | None) -> SimulatedReply | None:
    """Why nothing that belongs to an account is shown; None when it is."""
    status = Status.NOT_FOUND if kind is FaultKind.ALL_NOT_FOUND else world.state(native_id).status
    if status is Status.PROTECTED:
        error = payloads.not_authorized(native_id)
    elif status is Status.SUSPENDED:
        error = payloads.suspended("id", native_id)
    elif status is Status.NOT_FOUND:
        error = payloads.not_found("id", native_id)
    else:
        return None
    return SimulatedReply(200, dumps({"errors": [error]}))


def invalid(parameter: str, value: str, message: str = "") -> SimulatedReply:
    """A malformed value fails the whole request."""
    text = message or f"The `{parameter}` query parameter value [{value}] is not valid"
    return SimulatedReply(400, dumps(payloads.invalid_request(parameter, value, text)))


def _asked(
    params: Mapping[str, str], kind: FaultKind | None, sizes: range, default: str
) -> tuple[int, int] | SimulatedReply:
    """Where the page starts and how long it may be."""
    token, size = params.get("pagination_token"), params.get("max_results", default)
    if kind is FaultKind.EXPIRED_PAGE or not (token is None or token.isdecimal()):
        return invalid("pagination_token", token or "")
    if not size.isdecimal() or int(size) not in sizes:
        return invalid("max_results", size, f"{size} is not between {sizes[0]} and {sizes[-1]}")
    return int(token or 0), int(size)


def _page(items: list[dict[str, object]], start: int, size: int, count: int) -> SimulatedReply:
    meta: dict[str, object] = {"result_count": len(items)}
    if start + size < count:
        meta["next_token"] = str(start + size)
    return SimulatedReply(200, dumps({"data": items, "meta": meta} if items else {"meta": meta}))


def _problem(problem: Mapping[str, object]) -> SimulatedReply:
    return SimulatedReply(403, dumps(problem), content_type="application/problem+json")
