"""What a browser may send on the websocket: the three messages of Dash's renderer, and nothing else.

Dash 4.4 does not check them: a message of another shape raises somewhere in its handler.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, cast

DEEPEST: Final = 20
"""Levels of objects and arrays. Messages of our pages have at most five."""
_IDENTIFIER = re.compile(r"[\w.-]{1,100}", re.ASCII)
_ENVELOPE: Final = {"type", "rendererId", "requestId", "payload"}
_REQUEST: Final = {"output", "outputs", "inputs", "changedPropIds", "parsedChangedPropsIds", "state"}


class MessageError(Exception):
    """A message that Dash's renderer does not send. The text says why, and quotes nothing of it."""


def check_message(callbacks: Mapping[str, Mapping[str, Any]], text: str) -> str | None:
    """Return the tab whose callback a message calls; None if it calls none.

    Raises MessageError unless `text` is a message that a page of this dashboard sends.

    `callbacks` is Dash's `callback_map`: those with `websocket` may be called, with the inputs and states
    that they declare.
    """
    message = _parsed(text)
    if not isinstance(message, dict):
        raise MessageError("is not a JSON object")
    said = cast("dict[str, Any]", message)
    kind = said.get("type")
    if kind == "heartbeat" and said.keys() == {"type"}:
        return None
    if kind not in ("callback_request", "get_props_response") or said.keys() != _ENVELOPE:
        raise MessageError("has an unknown type or other fields than its type has")
    if not _is_identifier(said["rendererId"]) or not _is_identifier(said["requestId"]):
        raise MessageError("has a malformed identifier")
    if not isinstance(said["payload"], dict):
        raise MessageError("has a payload that is not an object")
    if kind == "get_props_response":
        return None
    _check_request(cast("dict[str, Any]", said["payload"]), callbacks)
    return str(said["rendererId"])


def _parsed(text: str) -> object:
    try:
        message: object = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise MessageError("is not JSON") from error
    if _is_deeper(message, DEEPEST):
        raise MessageError("is nested too deeply")
    return message


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _is_deeper(value: object, most: int) -> bool:
    level = [value]
    for _ in range(most + 1):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def _check_request(payload: dict[str, Any], callbacks: Mapping[str, Mapping[str, Any]]) -> None:
    output = payload.get("output")
    called = callbacks.get(output) if isinstance(output, str) else None
    if called is None or not called.get("websocket"):
        raise MessageError("calls a callback that this dashboard does not have")
    declared = {kind: _names(called[kind]) for kind in ("inputs", "state")}
    if not payload.keys() <= _REQUEST or any(_names(payload.get(k, [])) != declared[k] for k in declared):
        raise MessageError("calls a callback with other values than it has")
    changed: object = payload.get("changedPropIds", [])
    known = [f"{one}.{prop}" for one, prop in declared["inputs"] or ()]
    if not isinstance(changed, list) or any(c not in known for c in cast("list[object]", changed)):
        raise MessageError("calls a callback for a change of something else")


def _names(values: object) -> list[tuple[object, object]] | None:
    """The component and property of each input; None where that is not what it is."""
    if not isinstance(values, list):
        return None
    out: list[tuple[object, object]] = []
    for value in cast("list[object]", values):
        if not isinstance(value, dict):
            return None
        one = cast("dict[str, object]", value)
        out.append((one.get("id"), one.get("property")))
    return out
