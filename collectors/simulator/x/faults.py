"""Pure: how the faults of a plan look on X's wire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from collectors.simulator.core.faults import Kind
from collectors.simulator.core.reply import Reply
from collectors.simulator.x import payloads as payloads
from collectors.simulator.x.payloads import Fragment, dumps

_PLAIN: Final = {
    Kind.UNAUTHORIZED: Reply(401, dumps(payloads.UNAUTHORIZED)),
    Kind.CREDITS: Reply(402, dumps(payloads.CREDITS_DEPLETED)),
    Kind.FORBIDDEN: Reply(403, dumps(payloads.CLIENT_FORBIDDEN), content_type="application/problem+json"),
    Kind.LIMIT_WITHOUT_RESET: Reply(429, dumps(payloads.TOO_MANY_REQUESTS)),
    Kind.LIMIT_HTML: Reply(429, payloads.HTML, content_type="text/html"),
    Kind.UNAVAILABLE_HTML: Reply(503, payloads.HTML, content_type="text/html"),
    Kind.UNAVAILABLE_JSON: Reply(503, dumps(payloads.SERVICE_UNAVAILABLE)),
    Kind.UNKNOWN_PATH: Reply(404, b""),
    Kind.REDIRECT: Reply(302, payloads.HTML, {"Location": "/login"}, "text/html"),
    Kind.BAD_REQUEST: Reply(400, dumps({"errors": None, "title": "Invalid Request"})),
    Kind.HTML: Reply(200, payloads.HTML, content_type="text/html"),
    Kind.EMPTY: Reply(200, b""),
    Kind.NULL: Reply(200, b"null"),
    Kind.RESET: Reply(0, b"", cut=True),
}


def failed(kind: Kind | None, now: datetime, hang_s: float) -> Reply | None:
    """The answer to a request that `kind` fails as a whole; None when it does not."""
    if kind is Kind.HANG:
        return Reply(0, b"", cut=True, hang_s=hang_s)
    if kind is Kind.LIMIT_PAST_RESET:
        return Reply(429, dumps(payloads.TOO_MANY_REQUESTS), _limits(now - timedelta(minutes=3), 0))
    if kind is Kind.LIMIT_ABSURD_RESET:
        return Reply(429, dumps(payloads.TOO_MANY_REQUESTS), _limits(now + timedelta(days=400), 0))
    if kind is Kind.USAGE_CAPPED:
        return Reply(429, dumps(payloads.USAGE_CAP_EXCEEDED), _limits(now + timedelta(minutes=9), 39999))
    return None if kind is None else _PLAIN.get(kind)


def twisted(kind: Kind | None, fragment: Fragment, value: str, parameter: str) -> Sequence[Fragment]:
    """What an answer says of the one account `value` that `kind` hits, instead of `fragment`.

    Kinds about parts that X does not have (another host, a labeler) change nothing.
    """
    match kind:
        case Kind.OMITTED:
            return ()
        case Kind.CONTRADICTORY:
            error = payloads.suspended(parameter, value)
            data = payloads.user(value, "somebody", payloads.AVAILABLE, ("protected",))
            return Fragment(False, dumps(data)), Fragment(True, dumps(error))
        case Kind.ODD_ERROR:
            return (Fragment(True, dumps(payloads.odd_error(parameter, value))),)
        case Kind.NO_PROTECTED:
            data = payloads.user(value, "somebody", payloads.AVAILABLE, ())
            return (Fragment(False, dumps(data)),)
        case Kind.ODD_WITHHELD:
            data = payloads.user(value, "somebody", payloads.AVAILABLE, ("protected",))
            return (Fragment(False, dumps(data | {"withheld": {"country_codes": "IN"}})),)
        case Kind.FOREIGN_ERROR:
            foreign = payloads.suspended("entities.mentions.username", value) | {"section": "includes"}
            return fragment, Fragment(True, dumps(foreign))
        case _:
            return (fragment,)


def _limits(reset_at: datetime, remaining: int) -> dict[str, str]:
    return {
        "x-rate-limit-limit": "40000",
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(int(reset_at.timestamp())),
    }
