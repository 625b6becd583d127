"""Pure: what an answer of the YouTube Data API says of channels and videos, and why it refuses.

Its reference (developers.google.com/youtube/v3/docs: channels, videos, errors) gives the fields and the
reasons of errors. It does not say what becomes of a closed channel. Others have seen that it is left out of
the answer, and that `totalResults` is 0 then (DIYgod/RSSHub#14805, medialab/minet#753). Assumed here is that
videos are left out in the same way, and that `totalResults` always counts what the answer holds.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from collectors.core.collector import BatchReadings, Exchange
from collectors.core.wire import REASON_OF_CODE, WireFault, compact, is_array, is_object, parse, printable
from collectors.youtube.declaration import DECLARATION, video_of
from storage.model.core.availability import (
    BREAKERS,
    EVERYWHERE,
    Flag,
    Missed,
    MissedReason,
    Reading,
    State,
    Status,
    Strength,
)
from storage.model.text.countries import is_code, official_names

_AVAILABLE = State(Status.AVAILABLE)
_OPEN = frozenset({"public", "unlisted"})
_OWNERS_ONLY = "private"
_SERVED = frozenset({"processed", "uploaded"})
_REJECTED, _DELETED = "rejected", "deleted"
_REJECTIONS = frozenset(
    {
        "claim",
        "copyright",
        "inappropriate",
        "legal",
        "termsOfUse",
        "trademark",
        "uploaderAccountSuspended",
    }
)
"""Reasons for which YouTube rejects a video. Not `duplicate` and `length`, which are about the upload."""
_CLOSED_BY_UPLOADER = "uploaderAccountClosed"
_RESTRICTIONS = _ALLOWED, _BLOCKED = "allowed", "blocked"
_REASONS = {
    "quotaExceeded": MissedReason.USAGE_CAPPED,
    "dailyLimitExceeded": MissedReason.USAGE_CAPPED,
    "rateLimitExceeded": MissedReason.RATE_LIMITED,
    "userRateLimitExceeded": MissedReason.RATE_LIMITED,
    "accessNotConfigured": MissedReason.ACCESS,
    "forbidden": MissedReason.ACCESS,
    "ipRefererBlocked": MissedReason.ACCESS,
    "authError": MissedReason.AUTH,
    "keyExpired": MissedReason.AUTH,
    "keyInvalid": MissedReason.AUTH,
    "RATE_LIMIT_EXCEEDED": MissedReason.RATE_LIMITED,
    "API_KEY_INVALID": MissedReason.AUTH,
    "API_KEY_SERVICE_BLOCKED": MissedReason.ACCESS,
    "API_KEY_HTTP_REFERRER_BLOCKED": MissedReason.ACCESS,
    "API_KEY_IP_ADDRESS_BLOCKED": MissedReason.ACCESS,
    "SERVICE_DISABLED": MissedReason.ACCESS,
}
"""Reasons of errors: those of the API, and below them Google's own (google.api.ErrorReason)."""
_PER_DAY = b"PerDay"
"""In the name of a limit of Google's that is one of a day: its units are used up."""

Read = Callable[[str, dict[str, object], datetime], Reading | Missed]


def read_answer(
    http_status: int, body: bytes, asked: Sequence[str], at: datetime
) -> BatchReadings | WireFault:
    """What an answer says of the `asked` channels or videos, which are all of one kind.

    Whatever is missing is read as not found, with weak evidence, if `totalResults` equals the number of items
    and none is about others. Otherwise it is left out of the result.
    """
    if http_status != 200:
        return refusal(http_status, body)
    is_video = video_of(asked[0]) is not None
    kind, prefix, read = ("video", "video:", read_video) if is_video else ("channel", "", read_channel)
    document = parse(body)
    if not is_object(document) or document.get("kind") != f"youtube#{kind}ListResponse":
        return WireFault(MissedReason.MALFORMED, f"not a list of {kind}s")
    items = document.get("items", [])
    if not is_array(items):
        return WireFault(MissedReason.MALFORMED, f"the list of {kind}s is none")
    said: dict[str, Reading | Missed] = {}
    about_others = 0
    for item in items:
        native_id = f"{prefix}{item.get('id')}" if is_object(item) else ""
        if not is_object(item) or native_id not in asked:
            about_others += 1
            continue
        one = read(native_id, item, at)
        if said.setdefault(native_id, one) != one:
            said[native_id] = Missed(native_id, at, MissedReason.CONTRADICTORY, "in the answer twice")
    if not about_others and _counted(document) == len(said):
        gone = State(Status.NOT_FOUND)
        for native_id in asked:
            said.setdefault(native_id, Reading(native_id, at, gone, Strength.WEAK, video_of(native_id)))
    return BatchReadings(
        tuple(one for one in said.values() if isinstance(one, Reading)),
        tuple(one for one in said.values() if isinstance(one, Missed)),
    )


def read_channel(native_id: str, item: dict[str, object], at: datetime) -> Reading | Missed:
    """A channel that the API shows."""
    shown = _text(_part(item, "status"), "privacyStatus")
    if shown in _OPEN or shown == _OWNERS_ONLY:
        state = _AVAILABLE if shown in _OPEN else State(Status.PROTECTED)
        return Reading(native_id, at, state, Strength.STRONG, _handle(item))
    return _unclassified(native_id, at, f"privacyStatus {shown!r}")


def read_video(native_id: str, item: dict[str, object], at: datetime) -> Reading | Missed:
    """A video that the API shows. Its handle is its id."""
    status, handle = _part(item, "status"), video_of(native_id)
    upload, shown = _text(status, "uploadStatus"), _text(status, "privacyStatus")
    why = _text(status, "rejectionReason")
    if upload == _REJECTED and why in _REJECTIONS:
        return Reading(native_id, at, State(Status.SUSPENDED), Strength.STRONG, handle)
    if upload == _DELETED or (upload == _REJECTED and why == _CLOSED_BY_UPLOADER):
        return Reading(native_id, at, State(Status.NOT_FOUND), Strength.STRONG, handle)
    if upload not in _SERVED or not (shown in _OPEN or shown == _OWNERS_ONLY):
        said = f"uploadStatus {upload!r}, rejectionReason {why!r}, privacyStatus {shown!r}"
        return _unclassified(native_id, at, said)
    details = _part(item, "contentDetails")
    # Every video has a definition: without it the part that would name countries is not there either.
    is_whole = _text(details, "definition") is not None
    countries = withheld_in(details["regionRestriction"]) if "regionRestriction" in details else ()
    if countries is None or not is_whole:
        return _unclassified(native_id, at, "a regionRestriction in a form that is not known")
    private = {Flag.PROTECTED} if shown == _OWNERS_ONLY else set[Flag]()
    if countries:
        flags = frozenset({Flag.MAY_BE_RIGHTS_HOLDERS, *private})
        return Reading(native_id, at, State(Status.WITHHELD, countries), Strength.STRONG, handle, flags)
    state = State(Status.PROTECTED) if private else _AVAILABLE
    return Reading(native_id, at, state, Strength.STRONG, handle)


def withheld_in(restriction: object) -> tuple[str, ...] | None:
    """The countries in which a video cannot be viewed; None if they are not given in the documented form.

    Either `blocked` lists these countries, or `allowed` lists all others. An empty `allowed` means that it is
    withheld in all countries, an empty `blocked` that it is withheld in none.
    """
    said = [name for name in _RESTRICTIONS if name in restriction] if is_object(restriction) else []
    if not is_object(restriction) or len(said) != 1:
        return None
    name, listed = said[0], restriction[said[0]]
    if not is_array(listed):
        return None
    codes = {code for code in listed if isinstance(code, str) and is_code(code) and code != EVERYWHERE}
    if len(codes) != len(listed):
        return None
    if name == _BLOCKED:
        return tuple(sorted(codes))
    return tuple(sorted(official_names().keys() - codes)) if codes else (EVERYWHERE,)


def read_resolved(http_status: int, body: bytes) -> tuple[str, str] | WireFault | None:
    """Id and handle of the one channel in an answer, the handle empty if it has none. None: no channel."""
    if http_status != 200:
        return refusal(http_status, body)
    document = parse(body)
    items = document.get("items", []) if is_object(document) else None
    if not is_object(document) or not is_array(items) or _counted(document) != len(items):
        return WireFault(MissedReason.MALFORMED, "not a list of channels")
    if not items:
        return None
    item = items[0]
    native_id = item.get("id") if is_object(item) and len(items) == 1 else None
    if not is_object(item) or not isinstance(native_id, str) or not DECLARATION.is_native_id(native_id):
        return WireFault(MissedReason.MALFORMED, "not one channel")
    return native_id, _handle(item) or ""


def refusal(http_status: int, body: bytes) -> WireFault:
    """Why a request was refused: by the reason of the error if it is known, else by the HTTP status."""
    document = parse(body)
    error = document.get("error") if is_object(document) else None
    reasons = [*_reasons(error, "details"), *_reasons(error, "errors")] if is_object(error) else []
    known = next((_REASONS[reason] for reason in reasons if reason in _REASONS), None)
    if is_object(error) and known is MissedReason.RATE_LIMITED and _PER_DAY in compact(error.get("details")):
        known = MissedReason.USAGE_CAPPED
    usual = REASON_OF_CODE.get(http_status, MissedReason.UPSTREAM)
    if reasons and usual in BREAKERS:
        usual = MissedReason.UNCLASSIFIED  # a reason that is not known may be about one channel
    detail = f"HTTP {http_status}" + "".join(f", {printable(reason)}" for reason in reasons[:2])
    return WireFault(known or usual, detail)


def excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """By native id, the fields that the status rests on; of an id that is missing, the counts."""
    document = parse(exchange.body)
    if exchange.http_status != 200 or not is_object(document):
        return {}
    is_video = document.get("kind") == "youtube#videoListResponse"
    items = document.get("items", [])
    about = {str(item.get("id")): item for item in items if is_object(item)} if is_array(items) else {}
    kept: dict[str, object] = {}
    for native_id in native_ids:
        video = video_of(native_id)
        if (video is not None) != is_video:
            continue
        item = about.get(video or native_id)
        if item is None:
            kept[native_id] = {"in_answer": False, "counted": _counted(document), "items": len(about)}
            continue
        kept[native_id] = {"id": video or native_id, **_rested_on(item)}
    return kept


def _rested_on(item: dict[str, object]) -> dict[str, object]:
    """The fields that decide about a channel or a video."""
    details = _part(item, "contentDetails")
    parts: dict[str, object] = _fields(_part(item, "snippet"), ("customUrl",)) | {
        "status": _fields(_part(item, "status"), ("uploadStatus", "privacyStatus", "rejectionReason")),
        "regionRestriction": _fields(_part(details, "regionRestriction"), _RESTRICTIONS),
    }
    return {name: part for name, part in parts.items() if part}


def _fields(of: dict[str, object], names: Iterable[str]) -> dict[str, object]:
    return {name: of[name] for name in names if name in of}


def _counted(document: dict[str, object]) -> int | None:
    """How many an answer says that it has; None if it does not say, or if more are to follow."""
    total = _part(document, "pageInfo").get("totalResults")
    if not isinstance(total, int) or isinstance(total, bool) or "nextPageToken" in document:
        return None
    return total


def _part(of: dict[str, object], name: str) -> dict[str, object]:
    found = of.get(name)
    return found if is_object(found) else {}


def _text(of: dict[str, object], name: str) -> str | None:
    found = of.get(name)
    return found if isinstance(found, str) else None


def _handle(item: dict[str, object]) -> str | None:
    """What `customUrl` holds after its @. Channels without a handle have another name there, or nothing."""
    url = _text(_part(item, "snippet"), "customUrl") or ""
    handle = url.removeprefix("@")
    return handle if handle != url and DECLARATION.is_handle(handle) else None


def _reasons(error: dict[str, object], name: str) -> list[str]:
    found = error.get(name)
    said = [one.get("reason") for one in found if is_object(one)] if is_array(found) else []
    return [reason for reason in said if isinstance(reason, str)]


def _unclassified(native_id: str, at: datetime, detail: str) -> Missed:
    return Missed(native_id, at, MissedReason.UNCLASSIFIED, printable(detail))
