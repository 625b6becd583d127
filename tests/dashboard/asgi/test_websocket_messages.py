"""What a browser may say on the websocket: the messages of Dash's renderer and no others."""

import json
from typing import Any

import pytest

from dashboard.asgi.websocket_messages import DEEPEST, MessageError, check_message

CALLBACKS: dict[str, dict[str, Any]] = {
    "push": {"inputs": [], "state": [], "websocket": True},
    "wake": {
        "inputs": [{"id": "live-wake", "property": "data"}],
        "state": [{"id": "page", "property": "theme"}],
        "websocket": True,
    },
    "page.children": {"inputs": [], "state": [], "websocket": False},
}
WAKE: dict[str, Any] = {
    "output": "wake",
    "inputs": [{"id": "live-wake", "property": "data", "value": 1}],
    "changedPropIds": ["live-wake.data"],
    "parsedChangedPropsIds": ["live-wake.data"],
    "state": [{"id": "page", "property": "theme", "value": "dark"}],
}
TAB = "3f0c4b7e-2b7a-4c8e-9d55-0c4a3b1e6f10"
NONE: list[object] = []
PUSH: dict[str, Any] = {"output": "push", "inputs": [], "changedPropIds": [], "parsedChangedPropsIds": []}


def call(payload: object, **other: object) -> dict[str, object]:
    return {
        "type": "callback_request",
        "rendererId": TAB,
        "requestId": f"{TAB}-1",
        "payload": payload,
        **other,
    }


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


ANSWER: dict[str, object] = {
    "type": "get_props_response",
    "rendererId": TAB,
    "requestId": "1",
    "payload": {"data": 1},
}


@pytest.mark.parametrize(
    ("said", "tab"),
    [
        pytest.param({"type": "heartbeat"}, None, id="a heartbeat"),
        pytest.param(ANSWER, None, id="an answer about a component"),
        pytest.param(call(PUSH), TAB, id="a call without values"),
        pytest.param(call(WAKE), TAB, id="a call with an input and a state"),
        pytest.param(call(WAKE | {"changedPropIds": NONE}), TAB, id="a call for no change"),
        pytest.param(ANSWER | {"payload": {"data": nested(DEEPEST - 2)}}, None, id="as deep as may be"),
    ],
)
def test_what_a_page_says_is_let_through_with_its_tab(said: object, tab: str | None) -> None:
    assert check_message(CALLBACKS, json.dumps(said)) == tab


SHAPE = "an unknown type or other fields"
CALLED = "a callback that this dashboard does not have"
VALUES = "other values than it has"


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        pytest.param("", "not JSON", id="nothing"),
        pytest.param('{"type":"heartbeat"', "not JSON", id="half"),
        pytest.param("[" * 100_000, "not JSON", id="deeper than Python reads"),
        pytest.param(f'{{"type":"heartbeat","n":{"9" * 5000}}}', "not JSON", id="a number without end"),
        pytest.param('{"type":"heartbeat","n":NaN}', "not JSON", id="no number"),
        pytest.param(json.dumps(nested(DEEPEST + 1)), "nested too deeply", id="deeper than any page says"),
        pytest.param("[]", "not a JSON object", id="a list"),
        pytest.param("null", "not a JSON object", id="null"),
        pytest.param({"type": ["heartbeat"]}, SHAPE, id="a type that is a list"),
        pytest.param({"type": "connect"}, SHAPE, id="a type of the worker's own"),
        pytest.param({"type": "heartbeat", "more": 1}, SHAPE, id="a heartbeat with more"),
        pytest.param(ANSWER | {"more": 1}, SHAPE, id="an answer with more"),
        pytest.param({"type": "get_props_response"}, SHAPE, id="an answer without all"),
        pytest.param(ANSWER | {"requestId": [1]}, "identifier", id="an identifier that is a list"),
        pytest.param(ANSWER | {"rendererId": "\ud800"}, "identifier", id="half a surrogate pair"),
        pytest.param(ANSWER | {"rendererId": "a\n"}, "identifier", id="an identifier with a line end"),
        pytest.param(ANSWER | {"requestId": "1" * 101}, "identifier", id="an identifier without end"),
        pytest.param(ANSWER | {"payload": "__disconnected__"}, "payload", id="a word of Dash's own"),
        pytest.param(call(3), "payload", id="a call that is a number"),
        pytest.param(call({}), CALLED, id="a call of nothing"),
        pytest.param(call(PUSH | {"output": ["push"]}), CALLED, id="a call of a list"),
        pytest.param(call(PUSH | {"output": "gone"}), CALLED, id="a callback of another version"),
        pytest.param(call(PUSH | {"output": "page.children"}), CALLED, id="a callback of HTTP"),
        pytest.param(call(PUSH | {"inputs": {"id": "x"}}), VALUES, id="inputs that are an object"),
        pytest.param(call(PUSH | {"inputs": [1]}), VALUES, id="an input that is a number"),
        pytest.param(call(PUSH | {"inputs": WAKE["inputs"]}), VALUES, id="an input too many"),
        pytest.param(call(WAKE | {"inputs": NONE}), VALUES, id="an input too few"),
        pytest.param(call(WAKE | {"state": None}), VALUES, id="a state that is null"),
        pytest.param(call(PUSH | {"cancelJob": 1}), VALUES, id="a field that no callback of ours has"),
        pytest.param(call(WAKE | {"changedPropIds": ["x.y"]}), "something else", id="another change"),
        pytest.param(call(WAKE | {"changedPropIds": {"x": 1}}), "something else", id="changes in an object"),
        pytest.param(call(WAKE | {"changedPropIds": [["x"]]}), "something else", id="a change in a list"),
    ],
)
def test_anything_else_is_refused_in_words_of_ours(said: object, fault: str) -> None:
    text = said if isinstance(said, str) else json.dumps(said)
    with pytest.raises(MessageError, match=fault):
        check_message(CALLBACKS, text)
