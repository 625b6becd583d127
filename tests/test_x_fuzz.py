"""No answer of X, however broken, raises or is read as more than it states."""

import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Exchange
from collectors.x_handles import read_handles
from collectors.x_timeline import read_timeline
from collectors.x_wire import excerpt, read_lookup
from storage.model.availability import MissedReason, Reading, Status
from tests.x_samples import AT, ERROR, ID, MISSING, OTHER, USER

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
WORDS = st.sampled_from(
    [ID, OTHER, *USER, *ERROR, *map(str, ERROR.values()), "withheld", "country_codes", "IN"]
)
ANY_JSON = st.recursive(
    SCALARS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=20,
)
VALID: tuple[dict[str, Any], ...] = (
    {"data": [{**USER}, {**USER, "id": OTHER, "withheld": {"country_codes": ["IN"], "scope": "user"}}]},
    {"data": [{**USER, "id": OTHER, "protected": True}], "errors": [{**ERROR}]},
    {"errors": [{**MISSING}, {**ERROR, "value": OTHER, "resource_id": OTHER}]},
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A valid answer in which one to three values were replaced, removed or repeated."""
    document = json.loads(json.dumps(draw(st.sampled_from(VALID))))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while place:
            keys = st.sampled_from(list(place)) if is_object(place) else st.integers(0, len(place) - 1)
            key = draw(keys)
            if place[key] and isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
                continue
            act = draw(st.sampled_from(["replace", "remove", "repeat"]))
            if act == "remove":
                del place[key]
            elif act == "repeat" and not is_object(place):
                place.append(place[key])
            else:
                place[key] = draw(ANY_JSON)
            break
    return document


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a value that should be an array of them, or one of them."""
    items = cast("list[Any]", value if isinstance(value, list) else [value])
    return [item for item in items if is_object(item)]


def states_it(document: dict[str, Any], reading: Reading) -> bool:
    """Whether the JSON itself says what the reading says: written apart from the code under test."""
    own = [user for user in objects(document.get("data")) if user.get("id") == reading.native_id]
    details = [
        str(error.get("detail"))
        for error in objects(document.get("errors"))
        if reading.native_id in (error.get("value"), error.get("resource_id"))
    ]
    wants = {Status.SUSPENDED: "User has been suspended", Status.NOT_FOUND: "Could not find user with"}
    if reading.state.status in wants:
        return not own and any(text.startswith(wants[reading.state.status]) for text in details)
    codes: set[Any] = set()
    for withheld in (user.get("withheld") for user in own):
        if withheld is not None:
            codes |= set(withheld["country_codes"] or ()) - {"XY"}
    if reading.state.status is Status.WITHHELD:
        return bool(own) and set(reading.state.withheld_in) <= codes
    locked = reading.state.status is Status.PROTECTED
    return bool(own) and not codes and all(user.get("protected") is locked for user in own)


@given(st.binary(max_size=60) | ANY_JSON.map(lambda value: json.dumps(value).encode()), st.integers(100, 599))
def test_no_answer_whatsoever_raises_or_leaves_an_account_out(answer: bytes, status: int) -> None:
    lookup = read_lookup(status, answer, [ID, OTHER, ID], AT)
    assert sorted(said.native_id for said in (*lookup.readings, *lookup.missed)) == sorted([ID, OTHER])
    excerpt(Exchange("/", AT, status, answer), [ID])
    read_timeline(status, answer, ID)
    handles = read_handles(status, answer, ["Somebody", "missing1"])
    assert len(handles.found) + len(handles.unresolved) == 2


@given(mutated())
def test_no_reading_says_more_than_the_answer_states(document: dict[str, Any]) -> None:
    answer = json.dumps(document).encode()
    lookup = read_lookup(200, answer, [ID, OTHER], AT)
    assert sorted(said.native_id for said in (*lookup.readings, *lookup.missed)) == sorted([ID, OTHER])
    for reading in lookup.readings:
        assert states_it(json.loads(answer), reading), reading


@given(st.sampled_from(VALID), st.data())
def test_a_cut_answer_is_malformed_wherever_it_was_cut(document: dict[str, Any], data: st.DataObject) -> None:
    answer = json.dumps(document).encode()
    cut = answer[: data.draw(st.integers(0, len(answer) - 1))]
    assert [miss.reason for miss in read_lookup(200, cut, [ID], AT).missed] == [MissedReason.MALFORMED]
