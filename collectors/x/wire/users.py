"""Pure: what X's answer to a user lookup says of each account that was asked for.

An asked account may be missing from the answer, or be in it twice. Everything that is not plainly
stated becomes a Missed with its reason.

An account whose `withheld` object is there but cannot be read is a Missed too: to ignore the object
would show a withheld account as restored.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_array, is_object, parse
from collectors.x.wire.envelope import ErrorItem, errors_about, items_in, open_answer
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

COPYRIGHT_CODE: Final = "XY"
"""X's pseudo country code for a copyright (DMCA) notice: not a block by a government."""

KEPT_OF_USER: Final = ("id", "username", "protected", "withheld")
KEPT_OF_ERROR: Final = (
    "type",
    "title",
    "detail",
    "section",
    "value",
    "parameter",
    "resource_id",
    "resource_type",
)
_KEPT_OF_WITHHELD = ("copyright", "country_codes", "scope")

_AVAILABLE = State(Status.AVAILABLE)
_PROTECTED = State(Status.PROTECTED)
_SUSPENDED = State(Status.SUSPENDED)
_NOT_FOUND = State(Status.NOT_FOUND)

is_username = re.compile(r"[A-Za-z0-9_]{1,50}").fullmatch
_is_country = re.compile(r"[A-Z]{2}").fullmatch


@dataclass(frozen=True, slots=True)
class Lookup:
    """Each asked id is in exactly one of `readings` and `missed`, in the order asked.

    `fault` is set when the request failed as a whole; all ids are then missed for its reason.
    """

    readings: tuple[Reading, ...]
    missed: tuple[Missed, ...]
    fault: WireFault | None = None


def read_lookup(http_status: int, body: bytes, asked: Sequence[str], at: datetime) -> Lookup:
    """What the answer to `GET /2/users?ids=` says of the `asked` ids at time `at`. Never raises.

    By id, "not found" covers deactivated, deleted and purged accounts: X does not say which.
    """
    ids = dict.fromkeys(asked)
    document = open_answer(http_status, body)
    if isinstance(document, WireFault):
        return all_missed(ids, at, document)
    items = items_in(document)
    if isinstance(items, WireFault):
        return all_missed(ids, at, items)
    found, oddities = _by_id(items, ids)
    errors = errors_about(document, {native_id: native_id for native_id in ids})
    readings: list[Reading] = []
    missed: list[Missed] = []
    for native_id in ids:
        item = found.get(native_id)
        if native_id in oddities or (item is not None and native_id in errors):
            reason, detail = oddities.get(native_id, (MissedReason.CONTRADICTORY, "in data and in errors"))
            missed.append(Missed(native_id, at, reason, detail))
            continue
        if item is not None:
            said = _from_data(native_id, item, at)
        elif native_id in errors:
            said = _from_errors(native_id, errors[native_id], at)
        else:
            said = Missed(native_id, at, MissedReason.OMITTED, "neither in data nor in errors")
        if isinstance(said, Reading):
            readings.append(said)
        else:
            missed.append(said)
    return Lookup(tuple(readings), tuple(missed))


def all_missed(asked: Mapping[str, None] | Sequence[str], at: datetime, fault: WireFault) -> Lookup:
    """A lookup that proved nothing: every asked id is missed for the reason of the whole request."""
    ids = dict.fromkeys(asked)
    return Lookup((), tuple(Missed(native_id, at, fault.reason, fault.detail) for native_id in ids), fault)


def excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """For each account that a raw answer speaks of, the items of `data` and `errors` about it.

    Only what the status rests on: X sends more of a user, and may send more at any time.
    """
    kept: dict[str, dict[str, list[object]]] = {native_id: {} for native_id in native_ids}
    answer = parse(exchange.body)
    if not is_object(answer):
        return {}
    for key in ("data", "errors"):
        for item in items_under(answer.get(key)):
            for native_id in _spoken_of(item) & kept.keys():
                kept[native_id].setdefault(key, []).append(
                    essence(item, KEPT_OF_USER if key == "data" else KEPT_OF_ERROR)
                )
    return {native_id: parts for native_id, parts in kept.items() if parts}


def essence(item: object, names: Sequence[str]) -> object:
    """The fields called `names` of an item of an answer; `withheld` has only its fields that are read."""
    if not is_object(item):
        return item
    kept = {name: item[name] for name in names if name in item}
    if "withheld" in kept:
        kept["withheld"] = essence(kept["withheld"], _KEPT_OF_WITHHELD)
    return kept


def _by_id(
    items: list[object], ids: Mapping[str, None]
) -> tuple[dict[str, dict[str, object]], dict[str, tuple[MissedReason, str]]]:
    """The items of asked ids, and the asked ids that no item can be believed about."""
    found: dict[str, dict[str, object]] = {}
    oddities: dict[str, tuple[MissedReason, str]] = {}
    for item in items:
        if not is_object(item):
            continue
        native_id = item.get("id")
        if not isinstance(native_id, str):
            if isinstance(native_id, int) and abs(native_id) < 10**19 and str(native_id) in ids:
                oddities[str(native_id)] = MissedReason.MALFORMED, "id is not a string"
        elif native_id in found:
            if not is_same(item, found[native_id]):
                oddities[native_id] = MissedReason.CONTRADICTORY, "twice in data, with different content"
        elif native_id in ids:
            found[native_id] = item
    return found, oddities


def is_same(one: dict[str, object], other: dict[str, object]) -> bool:
    """Whether two items say the same. False for items that are nested too deeply to compare."""
    try:
        return one == other
    except RecursionError:
        return False


def _from_data(native_id: str, item: dict[str, object], at: datetime) -> Reading | Missed:
    handle, protected, withheld = item.get("username"), item.get("protected"), item.get("withheld")
    if not isinstance(handle, str) or is_username(handle) is None:
        return Missed(native_id, at, MissedReason.MALFORMED, "no usable username")
    if protected is not True and protected is not False:
        return Missed(native_id, at, MissedReason.MALFORMED, "protected is not a boolean")
    state = _PROTECTED if protected else _AVAILABLE
    if withheld is None:
        return Reading(native_id, at, state, Strength.STRONG, handle)
    codes = withheld_codes(withheld)
    if codes is None:
        return Missed(native_id, at, MissedReason.MALFORMED, "withheld cannot be read")
    flags: set[Flag] = set()
    if COPYRIGHT_CODE in codes:
        flags.add(Flag.COPYRIGHT_WITHHELD)
    countries = codes - {COPYRIGHT_CODE}
    if countries:
        state = withheld_in(countries)
        if protected:
            flags.add(Flag.PROTECTED)
    return Reading(native_id, at, state, Strength.STRONG, handle, frozenset(flags))


def withheld_in(countries: Collection[str]) -> State:
    """Withheld in these countries (at least one); everywhere, if that is among them."""
    everywhere = EVERYWHERE in countries
    return State(Status.WITHHELD, (EVERYWHERE,) if everywhere else tuple(sorted(countries)))


def withheld_codes(withheld: object) -> set[str] | None:
    """The country codes of a `withheld` object; None when it does not state them clearly.

    X calls both fields nullable, and `scope` present only when the whole user is withheld. So null
    codes with a scope mean "withheld, but not said where": that is not an available account.
    """
    if not is_object(withheld) or "country_codes" not in withheld:
        return None
    codes = withheld["country_codes"]
    if codes is None:
        return set() if withheld.get("scope") is None else None
    if not is_array(codes):
        return None
    good = {code for code in codes if isinstance(code, str) and _is_country(code)}
    return good if all(isinstance(code, str) and code in good for code in codes) else None


def _from_errors(native_id: str, items: list[ErrorItem], at: datetime) -> Reading | Missed:
    statuses = {item.status for item in items}
    if len(statuses) > 1:
        return Missed(native_id, at, MissedReason.CONTRADICTORY, "errors that exclude each other")
    if None in statuses:
        return Missed(native_id, at, MissedReason.UNCLASSIFIED, items[0].detail)
    if Status.SUSPENDED in statuses:
        return Reading(native_id, at, _SUSPENDED, Strength.STRONG)
    return Reading(native_id, at, _NOT_FOUND, Strength.WEAK)


def items_under(value: object) -> Iterator[object]:
    """The items of one part of an answer. The part may be an array, one item, or null."""
    if is_array(value):
        yield from value
    elif value is not None:
        yield value


def _spoken_of(item: object) -> set[str]:
    if not is_object(item):
        return set()
    named = (item.get("id"), item.get("resource_id"), item.get("value"))
    return {name for name in named if isinstance(name, str)}
