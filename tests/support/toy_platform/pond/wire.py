"""Pure: what an answer of Pond says."""

from collections.abc import Sequence
from datetime import datetime

from collectors.core.wire import REASON_OF_CODE, WireFault, is_array, is_object, parse
from collectors.transport.batch_collector import BatchReadings
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
    said: dict[str, Reading | Missed] = {i: Missed(i, at, MissedReason.OMITTED, "") for i in asked}
    for item in filter(is_object, items):
        native_id, name, countries = item.get("id"), item.get("name"), item.get("in")
        status = _STATES.get(str(item.get("state")))
        if not isinstance(native_id, str) or native_id not in said:
            continue
        if status is None or not isinstance(name, str) or not is_array(countries):
            said[native_id] = Missed(native_id, at, MissedReason.UNCLASSIFIED, str(item)[:100])
            continue
        withheld_in = tuple(map(str, countries)) if status is Status.WITHHELD else ()
        strength = Strength.WEAK if status is Status.NOT_FOUND else Strength.STRONG
        said[native_id] = Reading(native_id, at, State(status, withheld_in), strength, name)
    found = said.values()
    return BatchReadings(
        tuple(r for r in found if isinstance(r, Reading)), tuple(m for m in found if isinstance(m, Missed))
    )
