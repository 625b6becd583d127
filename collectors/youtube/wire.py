"""Pure: what an answer of the YouTube Data API says of channels and videos, and why it refuses.

Its reference (developers.google.com/youtube/v3/docs: channels, videos, errors) gives the fields and the
reasons of errors. It does not say what becomes of a closed channel. Others have seen that it is left out of
the answer, and that `totalResults` is 0 then (DIYgod/RSSHub#14805, medialab/minet#753). Assumed here is that
videos are left out in the same way, and that `totalResults` always counts what the answer holds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
_BLOCKED = "blocked"
_RESTRICTIONS = ("allowed", _BLOCKED)
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
"""Part of the names of Google's daily limits."""

Read = Callable[[str, dict[str, object], datetime], Reading | Missed]


def read_answer(
    http_status: int, body: bytes, asked: Sequence[str], at: datetime
) -> BatchReadings | WireFault:
    """What an answer says of the `asked` channels or videos, which are all of one kind.

    Whatever is missing is read as not found, with weak evidence, if `totalResults` equals the number of items
    and none is about others. Otherwise it is left out of the result.
    """
    is_video = video_of(asked[0]) is not None
    kind, prefix, read = ("video", "video:", read_video) if is_video else ("channel", "", read_channel)
    listed = _listed(http_status, body, kind)
    if isinstance(listed, WireFault):
        return listed
    said: dict[str, Reading | Missed] = {}
    about_others = 0
    for item in listed.items:
        native_id = f"{prefix}{item.get('id')}" if is_object(item) else ""
        if not is_object(item) or native_id not in asked:
            about_others += 1
            continue
        one = read(native_id, item, at)
        if said.setdefault(native_id, one) != one:
            said[native_id] = Missed(native_id, at, MissedReason.CONTRADICTORY, "in the answer twice")
    if not about_others and listed.counted == len(said):
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
    # Assumed of every video. Without it, the answer may lack the countries too.
    if _text(details, "definition") is None:
        return _unclassified(native_id, at, "contentDetails without a definition")
    countries = withheld_in(details["regionRestriction"]) if "regionRestriction" in details else ()
    if countries is None:
        return _unclassified(native_id, at, "regionRestriction in an unknown form")
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
    lists = _fields(restriction, _RESTRICTIONS) if is_object(restriction) else {}
    if len(lists) != 1:
        return None
    [(name, listed)] = lists.items()
    if not is_array(listed):
        return None
    codes = {code for code in listed if isinstance(code, str) and is_code(code) and code != EVERYWHERE}
    if len(codes) != len(listed):
        return None
    if name == _BLOCKED:
        return tuple(sorted(codes))
    return tuple(sorted(official_names().keys() - codes)) if codes else (EVERYWHERE,)


def read_resolved(http_status: int, body: bytes) -> tuple[str, str] | WireFault | None:
    """The id and the handle of the only channel in an answer. The handle is empty if the channel has none.
    None means that the answer holds no channel.
    """
    listed = _listed(http_status, body, "channel")
    if isinstance(listed, WireFault):
        return listed
    if not listed.items and listed.counted == 0:
        return None
    item = listed.items[0] if len(listed.items) == listed.counted == 1 else None
    native_id = _text(item, "id") if is_object(item) else None
    if not is_object(item) or native_id is None or not DECLARATION.is_native_id(native_id):
        return WireFault(MissedReason.MALFORMED, "not exactly one channel")
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
        usual = MissedReason.UNCLASSIFIED  # an unknown reason may concern a single channel
    detail = f"HTTP {http_status}" + "".join(f", {printable(reason)}" for reason in reasons[:2])
    return WireFault(known or usual, detail)


def excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """By native id, the fields that decide the status. For an id that the answer lacks: its counts."""
    lists = {kind: _listed(exchange.http_status, exchange.body, kind) for kind in ("channel", "video")}
    kept: dict[str, object] = {}
    for native_id in native_ids:
        video = video_of(native_id)
        listed = lists["channel" if video is None else "video"]
        if isinstance(listed, WireFault):
            continue
        own_id = video or native_id
        item = next((i for i in listed.items if is_object(i) and i.get("id") == own_id), None)
        if is_object(item):
            kept[native_id] = {"id": own_id, **_deciding(item)}
        else:
            kept[native_id] = {"in_answer": False, "counted": listed.counted, "items": len(listed.items)}
    return kept


def _deciding(item: dict[str, object]) -> dict[str, object]:
    """The fields that decide about a channel or a video, as they were sent."""
    details = _fields(_part(item, "contentDetails"), ("definition",))
    restriction = _part(_part(item, "contentDetails"), "regionRestriction")
    if restriction:
        details["regionRestriction"] = _fields(restriction, _RESTRICTIONS)
    parts: dict[str, object] = _fields(_part(item, "snippet"), ("customUrl",)) | {
        "status": _fields(_part(item, "status"), ("uploadStatus", "privacyStatus", "rejectionReason")),
        "contentDetails": details,
    }
    return {name: part for name, part in parts.items() if part}


@dataclass(frozen=True, slots=True)
class _ListAnswer:
    items: list[object]
    counted: int | None
    """How many items the answer says that it has. None if it does not say, or if more pages follow."""


def _listed(http_status: int, body: bytes, kind: str) -> _ListAnswer | WireFault:
    """The items of an answer that lists channels or videos."""
    if http_status != 200:
        return refusal(http_status, body)
    document = parse(body)
    if not is_object(document) or document.get("kind") != f"youtube#{kind}ListResponse":
        return WireFault(MissedReason.MALFORMED, f"not a list of {kind}s")
    items, total = document.get("items", []), _part(document, "pageInfo").get("totalResults")
    if not is_array(items):
        return WireFault(MissedReason.MALFORMED, "items is not a list")
    if not isinstance(total, int) or isinstance(total, bool) or "nextPageToken" in document:
        return _ListAnswer(items, None)
    return _ListAnswer(items, total)


def _fields(of: dict[str, object], names: Iterable[str]) -> dict[str, object]:
    return {name: of[name] for name in names if name in of}


def _part(of: dict[str, object], name: str) -> dict[str, object]:
    found = of.get(name)
    return found if is_object(found) else {}


def _text(of: dict[str, object], name: str) -> str | None:
    found = of.get(name)
    return found if isinstance(found, str) else None


def _handle(item: dict[str, object]) -> str | None:
    """What `customUrl` holds after its @. A channel without a handle has another name there, or nothing."""
    url = _text(_part(item, "snippet"), "customUrl") or ""
    handle = url.removeprefix("@")
    return handle if handle != url and DECLARATION.is_handle(handle) else None


def _reasons(error: dict[str, object], name: str) -> list[str]:
    found = error.get(name)
    said = [_text(one, "reason") for one in found if is_object(one)] if is_array(found) else []
    return [reason for reason in said if reason is not None]


def _unclassified(native_id: str, at: datetime, detail: str) -> Missed:
    return Missed(native_id, at, MissedReason.UNCLASSIFIED, printable(detail))
