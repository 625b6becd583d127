"""What an answer of the YouTube Data API proves, row by row."""

import json
from typing import Any

import pytest

from collectors.core.collector import BatchReadings, Exchange
from collectors.youtube.wire import excerpt, read_answer, refusal
from storage.model.core.availability import (
    EVERYWHERE,
    Flag,
    Missed,
    MissedReason,
    Reading,
    State,
    Status,
    Strength,
)
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, PROTECTED, SUSPENDED, T0

CHANNEL = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
OTHER = "UCBR8-60-B28hp2BmDPdntcQ"
STRANGER = "UCstrangerstrangerstrang"
VIDEO = "video:jNQXAC9IVRw"
RIGHTS = Flag.MAY_BE_RIGHTS_HOLDERS
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


def said_of(native_id: str, body: bytes) -> Reading | Missed | None:
    found = read_answer(200, body, [native_id], T0)
    assert isinstance(found, BatchReadings), found
    return next(iter((*found.readings, *found.missed)), None)


@pytest.mark.parametrize(
    ("item", "state", "flags"),
    [
        pytest.param(video(), AVAILABLE, (), id="a video that is public"),
        pytest.param(video(PUBLIC | {"privacyStatus": "unlisted"}), AVAILABLE, (), id="or not listed"),
        pytest.param(video(PUBLIC | {"uploadStatus": "uploaded"}), AVAILABLE, (), id="or new"),
        pytest.param(video(PRIVATE), PROTECTED, (), id="one for its owner alone is protected"),
        pytest.param(
            video(regionRestriction={"blocked": ["TR", "IN"]}),
            State(Status.WITHHELD, ("IN", "TR")),
            (RIGHTS,),
            id="countries where it is blocked, chosen by nobody knows whom",
        ),
        pytest.param(
            video(PRIVATE, regionRestriction={"blocked": ["IN"]}),
            State(Status.WITHHELD, ("IN",)),
            (RIGHTS, Flag.PROTECTED),
            id="withheld and private as well",
        ),
        pytest.param(
            video(regionRestriction={"allowed": []}),
            State(Status.WITHHELD, (EVERYWHERE,)),
            (RIGHTS,),
            id="allowed in an empty list is everywhere",
        ),
        pytest.param(
            video(regionRestriction={"blocked": []}),
            AVAILABLE,
            (),
            id="blocked in an empty list is nowhere",
        ),
        pytest.param(
            video({"uploadStatus": "rejected", "rejectionReason": "legal"}),
            SUSPENDED,
            (),
            id="YouTube rejected it for a reason of its own",
        ),
        pytest.param(
            video({"uploadStatus": "rejected", "rejectionReason": "uploaderAccountClosed"}),
            NOT_FOUND,
            (),
            id="its uploader closed the account",
        ),
        pytest.param(video({"uploadStatus": "deleted"}), NOT_FOUND, (), id="it says that it is deleted"),
    ],
)
def test_a_video_is_what_the_answer_states(item: object, state: State, flags: tuple[Flag, ...]) -> None:
    said = said_of(VIDEO, answer("video", item))
    assert said == Reading(VIDEO, T0, state, Strength.STRONG, "jNQXAC9IVRw", frozenset(flags))


@pytest.mark.parametrize(
    ("native_id", "body", "reason"),
    [
        pytest.param(VIDEO, answer("video", item), MissedReason.UNCLASSIFIED, id=why)
        for item, why in [
            (video({}), "no status"),
            (video(PUBLIC | {"privacyStatus": "friends"}), "a privacy that is not documented"),
            (video(PUBLIC | {"uploadStatus": "failed"}), "a failed upload is not a block"),
            (video(PUBLIC | {"uploadStatus": "rejected"}), "rejected for no reason"),
            (
                video(PUBLIC | {"uploadStatus": "rejected", "rejectionReason": "duplicate"}),
                "rejected as an upload",
            ),
            (video(regionRestriction={"limited": ["IN"]}), "a restriction of another kind"),
            (video(regionRestriction={"allowed": ["IN"], "blocked": ["TR"]}), "both lists at once"),
            (video(regionRestriction={"blocked": ["India"]}), "not a country code"),
            (video(regionRestriction={"blocked": "IN"}), "not a list"),
            (video(regionRestriction=["IN"]), "a restriction that is no object"),
            (video(regionRestriction=None), "a restriction that is null"),
            (video(regionRestriction={"blocked": ["XX"]}), "the code of another platform for everywhere"),
            (video(definition=None), "a part that is cut"),
            (video() | {"contentDetails": [1]}, "a part of another kind"),
            (video(PUBLIC | {"privacyStatus": ["public"]}), "a privacy that is no text"),
            (video(PUBLIC | {"uploadStatus": {"is": "processed"}}), "an upload that is no text"),
        ]
    ]
    + [
        pytest.param(CHANNEL, answer("channel", channel(None)), MissedReason.UNCLASSIFIED, id="no privacy"),
        pytest.param(
            CHANNEL,
            answer("channel", channel(), channel("private"), total=1),
            MissedReason.CONTRADICTORY,
            id="a channel that is there twice, in two states",
        ),
    ],
)
def test_what_cannot_be_read_is_missed(native_id: str, body: bytes, reason: MissedReason) -> None:
    said = said_of(native_id, body)
    assert isinstance(said, Missed)
    assert said.reason is reason


@pytest.mark.parametrize(
    ("body", "is_gone"),
    [
        pytest.param(answer("channel"), True, id="nothing, and it counts nothing"),
        pytest.param(answer("channel", channel(native_id=OTHER)), True, id="another that was asked for"),
        pytest.param(answer("channel", channel(native_id=STRANGER)), False, id="one that was not"),
        pytest.param(answer("channel", channel(native_id=None)), False, id="one without an id"),
        pytest.param(answer("channel", channel(native_id=OTHER), total=True), False, id="no number"),
        pytest.param(answer("channel", total=1), False, id="it counts one that it does not show"),
        pytest.param(answer("channel", nextPageToken="CAUQAA"), False, id="more is to follow"),
        pytest.param(answer("channel", channel(native_id=OTHER), None), False, id="what is no channel"),
        pytest.param(b'{"kind": "youtube#channelListResponse"}', False, id="no count"),
    ],
)
def test_an_absence_counts_only_in_a_whole_answer_and_is_weak(body: bytes, is_gone: bool) -> None:
    found = read_answer(200, body, [CHANNEL, OTHER], T0)
    assert isinstance(found, BatchReadings)
    gone = [Reading(CHANNEL, T0, NOT_FOUND, Strength.WEAK)]
    assert [r for r in found.readings if r.native_id == CHANNEL] == (gone if is_gone else [])
    assert found.missed == ()


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


def test_evidence_keeps_what_a_status_rests_on_and_that_something_was_not_in_the_answer() -> None:
    blocked = video(regionRestriction={"blocked": ["IN"]}, duration="PT19S")
    exchange = Exchange("https://…", T0, 200, answer("video", blocked))
    absent = "video:Ks-_Mh1QhMc"
    assert excerpt(exchange, [VIDEO, absent, CHANNEL]) == {
        VIDEO: {
            "id": "jNQXAC9IVRw",
            "status": PUBLIC,
            "contentDetails": {"definition": "hd", "regionRestriction": {"blocked": ["IN"]}},
        },
        absent: {"in_answer": False, "counted": 1, "items": 1},
    }
    refused = Exchange("https://…", T0, 403, error(403, "quotaExceeded"))
    assert excerpt(refused, [VIDEO]) == {}
