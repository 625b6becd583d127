"""Pure: what an answer of Pond says."""

from collections.abc import Sequence
from datetime import datetime

from collectors.core.collector import BatchReadings
from collectors.core.wire import REASON_OF_CODE, WireFault, is_array, is_object, parse
from storage.model.core.availability import Missed, MissedReason, Reading, State, Status, Strength

_STATES = {
    "here": Status.AVAILABLE,
    "hidden": Status.WITHHELD,
    "barred": Status.SUSPENDED,
    "gone": Status.NOT_FOUND,
}


def read_accounts(
    http_status: int, body: bytes, asked: Sequence[str], at: datetime
) -> BatchReadings | WireFault:
    """`{"accounts": [{"id", "name", "state", "in"}]}`. An account that is not in it is missed."""
    document = parse(body)
    items = document.get("accounts") if is_object(document) else None
    if http_status != 200:
        return WireFault(REASON_OF_CODE.get(http_status, MissedReason.UPSTREAM), f"HTTP {http_status}")
    if not is_array(items):
        return WireFault(MissedReason.MALFORMED, "no list of accounts")
    said: dict[str, Reading | Missed] = {}
    for item in filter(is_object, items):
        native_id = item.get("id")
        if isinstance(native_id, str) and native_id in asked:
            read = _read(native_id, item, at)
            if said.setdefault(native_id, read) != read:
                said[native_id] = Missed(native_id, at, MissedReason.CONTRADICTORY, "in the answer twice")
    found = said.values()
    return BatchReadings(
        tuple(r for r in found if isinstance(r, Reading)), tuple(m for m in found if isinstance(m, Missed))
    )


def _read(native_id: str, item: dict[str, object], at: datetime) -> Reading | Missed:
    status, name, countries = _STATES.get(str(item.get("state"))), item.get("name"), item.get("in")
    codes = {code for code in countries if isinstance(code, str)} if is_array(countries) else set[str]()
    if status is None or not isinstance(name, str) or bool(codes) != (status is Status.WITHHELD):
        return Missed(native_id, at, MissedReason.UNCLASSIFIED, str(item)[:100])
    strength = Strength.WEAK if status is Status.NOT_FOUND else Strength.STRONG
    return Reading(native_id, at, State(status, tuple(sorted(codes))), strength, name or None)
