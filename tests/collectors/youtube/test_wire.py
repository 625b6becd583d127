"""What an answer of the YouTube Data API proves, row by row."""

import json
from typing import Any

import pytest

from collectors.youtube.wire import refusal
from storage.model.core.availability import (
    MissedReason,
)

CHANNEL = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
OTHER = "UCBR8-60-B28hp2BmDPdntcQ"
VIDEO = "video:jNQXAC9IVRw"
PUBLIC = {"uploadStatus": "processed", "privacyStatus": "public"}
PRIVATE = PUBLIC | {"privacyStatus": "private"}


def answer(kind: str, *items: object, total: int | None = None, **more: object) -> bytes:
    """A list of the API; items are left out where there are none, as others have seen."""
    shown: dict[str, Any] = {"items": items} if items else {}
    page = {"totalResults": len(items) if total is None else total, "resultsPerPage": 50}
    return json.dumps({"kind": f"youtube#{kind}ListResponse", "pageInfo": page, **shown, **more}).encode()


def video(status: object = PUBLIC, **details: object) -> dict[str, object]:
    return {"id": "jNQXAC9IVRw", "status": status, "contentDetails": {"definition": "hd", **details}}


def channel(privacy: object = "public", native_id: object = CHANNEL, **snippet: object) -> dict[str, object]:
    return {"id": native_id, "status": {"privacyStatus": privacy}, "snippet": snippet}


def error(code: int, reason: str, more: str | None = None) -> bytes:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": more}] if more else []
    return json.dumps({"error": {"code": code, "errors": [{"reason": reason}], "details": details}}).encode()


A_DAY = error(429, "rateLimitExceeded", "RATE_LIMIT_EXCEEDED").replace(
    b'"details": [{', b'"details": [{"metadata": {"quota_limit": "DefaultRequestsPerDayPerProject"}, '
)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, error(403, "quotaExceeded"), MissedReason.USAGE_CAPPED),
        (403, error(403, "dailyLimitExceeded"), MissedReason.USAGE_CAPPED),
        (403, error(403, "rateLimitExceeded"), MissedReason.RATE_LIMITED),
        (403, error(403, "userRateLimitExceeded"), MissedReason.RATE_LIMITED),
        (403, error(403, "accessNotConfigured", "SERVICE_DISABLED"), MissedReason.ACCESS),
        (403, error(403, "forbidden"), MissedReason.ACCESS),
        (403, error(403, "channelForbidden"), MissedReason.UNCLASSIFIED),
        (403, b"", MissedReason.ACCESS),
        (429, error(429, "rateLimitExceeded", "RATE_LIMIT_EXCEEDED"), MissedReason.RATE_LIMITED),
        (429, A_DAY, MissedReason.USAGE_CAPPED),
        (400, error(400, "badRequest", "API_KEY_INVALID"), MissedReason.AUTH),
        (400, error(400, "keyInvalid"), MissedReason.AUTH),
        (400, error(400, "invalidFilters"), MissedReason.BAD_REQUEST),
        (429, b"<html>", MissedReason.RATE_LIMITED),
        (404, b"", MissedReason.UPSTREAM),
        (503, error(503, "backendError"), MissedReason.UPSTREAM),
    ],
)
def test_a_refusal_has_the_reason_that_it_states(status: int, body: bytes, reason: MissedReason) -> None:
    assert refusal(status, body).reason is reason
