"""Pure: what X's answer to a lookup by handle says, for enrolment.

A handle is resolved once; afterwards only the numeric id is asked for, because a freed handle can be
taken by somebody else.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collectors.core.collector import ResolvedHandle, UnresolvedHandle, UnresolvedReason
from collectors.core.wire import WireFault, is_object
from collectors.x.wire.envelope import ErrorItem, errors_about, items_in, open_answer
from storage.model.core.availability import Status

is_handle = re.compile(r"[A-Za-z0-9_]{1,15}").fullmatch
"""X refuses a whole request for one malformed handle."""

_is_id = re.compile(r"[0-9]{1,19}").fullmatch


@dataclass(frozen=True, slots=True)
class Handles:
    """Each asked handle is in exactly one of `found` and `unresolved`."""

    found: tuple[ResolvedHandle, ...]
    unresolved: tuple[UnresolvedHandle, ...]
    fault: WireFault | None = None


def read_handles(http_status: int, body: bytes, asked: Sequence[str]) -> Handles:
    """What the answer to `GET /2/users/by?usernames=` says of the `asked` handles. Never raises."""
    handles = {handle.lower(): handle for handle in asked}
    document = open_answer(http_status, body)
    if isinstance(document, WireFault):
        return none_resolved(asked, document)
    items = items_in(document)
    if isinstance(items, WireFault):
        return none_resolved(asked, items)
    data: dict[str, list[ResolvedHandle]] = {}
    for item in items:
        if not is_object(item):
            continue
        native_id, handle = item.get("id"), item.get("username")
        if isinstance(native_id, str) and isinstance(handle, str) and handle.lower() in handles:
            name = handles[handle.lower()]
            data.setdefault(name, []).append(ResolvedHandle(name, native_id, handle))
    errors = errors_about(document, handles)
    found: list[ResolvedHandle] = []
    unresolved: list[UnresolvedHandle] = []
    for name in handles.values():
        said = _decide(name, data.get(name, []), errors.get(name, []))
        if isinstance(said, ResolvedHandle):
            found.append(said)
        else:
            unresolved.append(said)
    return Handles(tuple(found), tuple(unresolved))


def none_resolved(asked: Iterable[str], fault: WireFault) -> Handles:
    """Nothing was learned of any of the handles."""
    missed = tuple(UnresolvedHandle(name, UnresolvedReason.NO_ANSWER, fault.detail) for name in asked)
    return Handles((), missed, fault)


def _decide(
    name: str, data: list[ResolvedHandle], errors: list[ErrorItem]
) -> ResolvedHandle | UnresolvedHandle:
    statuses = {error.status for error in errors}
    if data and not errors and all(one == data[0] for one in data) and _is_id(data[0].native_id):
        return data[0]
    if not data and statuses == {Status.SUSPENDED}:
        return UnresolvedHandle(name, UnresolvedReason.SUSPENDED, errors[0].detail)
    if not data and statuses == {Status.NOT_FOUND}:
        return UnresolvedHandle(name, UnresolvedReason.NOT_FOUND, errors[0].detail)
    detail = errors[0].detail if errors else "not in the answer, or in it twice"
    return UnresolvedHandle(name, UnresolvedReason.NO_ANSWER, detail)
