"""What an answer of X proves about each account: row by row of the classification, and under fuzzing."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.x_handles import Found, WhyUnresolved, read_handles
from collectors.x_timeline import Page, Position, Unreadable, read_timeline
from collectors.x_wire import RECORD_SEPARATOR, excerpt, read_lookup
from storage.model.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from storage.model.signals import Signal, SignalKind

RECORDED = Path(__file__).parent / "fixtures" / "x"
AT = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)
ID, OTHER = "481186914", "2244994945"

AVAILABLE, PROTECTED = State(Status.AVAILABLE), State(Status.PROTECTED)
SUSPENDED, NOT_FOUND = State(Status.SUSPENDED), State(Status.NOT_FOUND)

USER: Mapping[str, Any] = {"id": ID, "name": "n", "username": "Somebody", "protected": False}
ERROR: Mapping[str, Any] = {
    "value": ID,
    "detail": f"User has been suspended: [{ID}].",
    "title": "Forbidden",
    "resource_type": "user",
    "parameter": "ids",
    "resource_id": ID,
    "type": "https://api.x.com/2/problems/resource-not-found",
}
MISSING = {**ERROR, "title": "Not Found Error", "detail": f"Could not find user with ids: [{ID}]."}


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.json").read_bytes()


def body(**parts: object) -> bytes:
    return json.dumps(parts).encode()


def said_of(answer: bytes, native_id: str = ID, status: int = 200) -> Reading | Missed:
    lookup = read_lookup(status, answer, [native_id], AT)
    (said,) = (*lookup.readings, *lookup.missed)
    return said


def reason_of(answer: bytes, status: int = 200) -> MissedReason:
    said = said_of(answer, status=status)
    assert isinstance(said, Missed)
    return said.reason


@pytest.mark.parametrize(
    ("name", "native_id", "state", "strength", "handle"),
    [
        ("suspended_by_id", ID, SUSPENDED, Strength.STRONG, None),
        ("not_found_by_id", ID, NOT_FOUND, Strength.WEAK, None),
        ("protected_by_id", "1500850517966311430", PROTECTED, Strength.STRONG, "somebody"),
        ("withheld_by_id", OTHER, State(Status.WITHHELD, ("IN", "TR")), Strength.STRONG, "Somebody"),
        ("mixed_by_id", OTHER, AVAILABLE, Strength.STRONG, "Somebody"),
        ("mixed_by_id", ID, NOT_FOUND, Strength.WEAK, None),
        ("suspended_mention", OTHER, AVAILABLE, Strength.STRONG, "Somebody"),
    ],
)
def test_a_recorded_answer_is_read_as_what_it_states(
    name: str, native_id: str, state: State, strength: Strength, handle: str | None
) -> None:
    assert said_of(recorded(name), native_id) == Reading(native_id, AT, state, strength, handle)


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (401, b"", MissedReason.AUTH),
        (402, body(title="CreditsDepleted"), MissedReason.CREDITS),
        (403, body(title="Client Forbidden"), MissedReason.ACCESS),
        (403, recorded("suspended_by_id"), MissedReason.ACCESS),
        (429, b"<html>slow down</html>", MissedReason.RATE_LIMITED),
        (429, body(title="Too Many Requests"), MissedReason.RATE_LIMITED),
        (429, recorded("usage_capped"), MissedReason.USAGE_CAPPED),
        (500, b"", MissedReason.UPSTREAM),
        (503, b"<html>oops</html>", MissedReason.UPSTREAM),
        (503, recorded("suspended_by_id"), MissedReason.UPSTREAM),
        (404, b"", MissedReason.UPSTREAM),
        (404, recorded("not_found_by_id"), MissedReason.UPSTREAM),
        (410, b"", MissedReason.UPSTREAM),
        (302, b"<html>login</html>", MissedReason.UPSTREAM),
        (204, b"", MissedReason.UPSTREAM),
        (400, body(errors=None), MissedReason.BAD_REQUEST),
        (200, b"", MissedReason.MALFORMED),
        (200, b"null", MissedReason.MALFORMED),
        (200, b"[]", MissedReason.MALFORMED),
        (200, b"{}", MissedReason.MALFORMED),
        (200, b"<html></html>", MissedReason.MALFORMED),
        (200, recorded("suspended_by_id")[:-20], MissedReason.MALFORMED),
        (200, b"[" * 100_000, MissedReason.MALFORMED),
        (200, b"\xff\xfe\xfa", MissedReason.MALFORMED),
        (200, body(meta={}), MissedReason.MALFORMED),
        (200, body(data="all well"), MissedReason.MALFORMED),
        (200, body(data=[USER], errors={"0": ERROR}), MissedReason.MALFORMED),
    ],
)
def test_a_request_that_failed_as_a_whole_proves_nothing_of_any_account(
    status: int, answer: bytes, reason: MissedReason
) -> None:
    lookup = read_lookup(status, answer, [ID, OTHER], AT)
    assert lookup.fault is not None
    assert lookup.fault.reason is reason
    assert lookup.readings == ()
    assert [(miss.native_id, miss.reason) for miss in lookup.missed] == [(ID, reason), (OTHER, reason)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(
            body(data=[USER], errors=[ERROR]), MissedReason.CONTRADICTORY, id="in data and in errors"
        ),
        pytest.param(
            body(errors=[ERROR, MISSING]), MissedReason.CONTRADICTORY, id="two errors that disagree"
        ),
        pytest.param(
            body(data=[USER, {**USER, "protected": True}]), MissedReason.CONTRADICTORY, id="twice, differing"
        ),
        pytest.param(body(data=[{**USER, "protected": None}]), MissedReason.MALFORMED, id="protected null"),
        pytest.param(body(data=[{**USER, "protected": 0}]), MissedReason.MALFORMED, id="protected a number"),
        pytest.param(body(data=[{"id": ID, "username": "a"}]), MissedReason.MALFORMED, id="protected absent"),
        pytest.param(body(data=[{**USER, "id": int(ID)}]), MissedReason.MALFORMED, id="id a number"),
        pytest.param(body(data=[{**USER, "username": None}]), MissedReason.MALFORMED, id="no username"),
        pytest.param(body(data=[{**USER, "username": "a\0"}]), MissedReason.MALFORMED, id="odd username"),
        pytest.param(body(data=[], errors=[]), MissedReason.OMITTED, id="empty answer"),
        pytest.param(body(data=[{**USER, "id": "1"}]), MissedReason.OMITTED, id="another account"),
        pytest.param(body(data=[None, 3, "x", []]), MissedReason.OMITTED, id="items that are no objects"),
        pytest.param(body(errors=[{**ERROR, "section": "includes"}]), MissedReason.OMITTED, id="of includes"),
        pytest.param(
            body(errors=[{**ERROR, "parameter": "entities.mentions.username"}]),
            MissedReason.OMITTED,
            id="a mention",
        ),
        pytest.param(
            body(errors=[{**ERROR, "resource_type": "tweet"}]), MissedReason.OMITTED, id="of a post"
        ),
        pytest.param(body(errors=[{**ERROR, "parameter": ["ids"]}]), MissedReason.OMITTED, id="unhashable"),
        pytest.param(
            body(errors=[{**ERROR, "value": "1"}]),
            MissedReason.UNCLASSIFIED,
            id="value names another account",
        ),
        pytest.param(
            body(errors=[{**ERROR, "detail": "User has been suspended: [1]."}]),
            MissedReason.UNCLASSIFIED,
            id="detail names another account",
        ),
        pytest.param(body(errors=[{**ERROR, "title": "Odd"}]), MissedReason.UNCLASSIFIED, id="unknown title"),
        pytest.param(
            body(errors=[{**ERROR, "title": "Not Found Error"}]),
            MissedReason.UNCLASSIFIED,
            id="title against detail",
        ),
        pytest.param(
            body(errors=[{**ERROR, "type": "https://api.x.com/2/problems/internal-error"}]),
            MissedReason.UNCLASSIFIED,
            id="unknown type",
        ),
        pytest.param(body(errors=[{**ERROR, "type": None}]), MissedReason.UNCLASSIFIED, id="no type"),
        pytest.param(body(errors=[{**ERROR, "detail": {}}]), MissedReason.UNCLASSIFIED, id="no detail"),
    ],
)
def test_what_is_not_plainly_stated_of_an_account_is_missed(answer: bytes, reason: MissedReason) -> None:
    assert reason_of(answer) is reason


@pytest.mark.parametrize(
    ("withheld", "state", "flags"),
    [
        pytest.param(
            {"country_codes": ["TR", "IN"]}, State(Status.WITHHELD, ("IN", "TR")), set(), id="countries"
        ),
        pytest.param(
            {"country_codes": ["XX", "IN"]}, State(Status.WITHHELD, ("XX",)), set(), id="everywhere"
        ),
        pytest.param({"country_codes": ["IN", "IN"]}, State(Status.WITHHELD, ("IN",)), set(), id="repeated"),
        pytest.param({"country_codes": ["XY"]}, AVAILABLE, {Flag.COPYRIGHT_WITHHELD}, id="copyright only"),
        pytest.param(
            {"country_codes": ["XY", "IN"]},
            State(Status.WITHHELD, ("IN",)),
            {Flag.COPYRIGHT_WITHHELD},
            id="copyright and a country",
        ),
        pytest.param({"country_codes": [], "scope": "user"}, AVAILABLE, set(), id="no country"),
        pytest.param({"country_codes": None, "scope": None}, AVAILABLE, set(), id="both null"),
        pytest.param(None, AVAILABLE, set(), id="null"),
    ],
)
def test_countries_make_an_account_withheld_and_copyright_does_not(
    withheld: object, state: State, flags: set[Flag]
) -> None:
    said = said_of(body(data=[{**USER, "withheld": withheld}]))
    assert said == Reading(ID, AT, state, Strength.STRONG, "Somebody", frozenset(flags))


@pytest.mark.parametrize(
    "withheld",
    [
        pytest.param(withheld, id=json.dumps(withheld))
        for withheld in (
            {},
            True,
            "IN",
            ["IN"],
            {"country_codes": "IN"},
            {"country_codes": ["India"]},
            {"country_codes": ["IN", None]},
            {"country_codes": [["IN"]]},
            {"country_codes": ["in"]},
            {"country_codes": None, "scope": "user"},
            {"countries": ["IN"]},
        )
    ],
)
def test_an_account_whose_withheld_object_cannot_be_read_is_not_called_available(withheld: object) -> None:
    assert reason_of(body(data=[{**USER, "withheld": withheld}])) is MissedReason.MALFORMED


def test_a_withheld_account_keeps_that_its_owner_protects_it_as_a_side_fact() -> None:
    answer = body(data=[{**USER, "protected": True, "withheld": {"country_codes": ["IN"]}}])
    said = said_of(answer)
    assert isinstance(said, Reading)
    assert said.state == State(Status.WITHHELD, ("IN",))
    assert said.flags == {Flag.PROTECTED}


def test_a_copyright_notice_does_not_make_a_protected_account_look_unlocked() -> None:
    said = said_of(body(data=[{**USER, "protected": True, "withheld": {"country_codes": ["XY"]}}]))
    assert isinstance(said, Reading)
    assert said.state == PROTECTED


@pytest.mark.parametrize("host", ["https://api.twitter.com", "https://api.x.com"])
@pytest.mark.parametrize("wording", ["id", "ids", "username", "usernames"])
def test_host_of_the_type_and_wording_of_the_parameter_do_not_matter(host: str, wording: str) -> None:
    error = {
        **MISSING,
        "type": f"{host}/2/problems/resource-not-found",
        "parameter": wording,
        "detail": f"Could not find user with {wording}: [{ID}].",
    }
    assert said_of(body(errors=[error])) == Reading(ID, AT, NOT_FOUND, Strength.WEAK)


def test_the_same_item_twice_is_one_statement() -> None:
    assert said_of(body(data=[USER, USER])) == Reading(ID, AT, AVAILABLE, Strength.STRONG, "Somebody")
    assert said_of(body(errors=[ERROR, ERROR])) == Reading(ID, AT, SUSPENDED, Strength.STRONG)


def test_one_odd_account_does_not_cost_the_others_of_its_batch() -> None:
    answer = body(data=[{"id": OTHER}, USER])
    lookup = read_lookup(200, answer, [OTHER, ID, "7"], AT)
    assert [reading.native_id for reading in lookup.readings] == [ID]
    assert [(miss.native_id, miss.reason) for miss in lookup.missed] == [
        (OTHER, MissedReason.MALFORMED),
        ("7", MissedReason.OMITTED),
    ]


def test_an_excerpt_holds_what_speaks_of_the_account_and_nothing_else() -> None:
    answer = RECORD_SEPARATOR.join((recorded("mixed_by_id"), b"<html>", recorded("suspended_by_id")))
    kept = json.loads(excerpt(answer, ID))
    assert [error["title"] for error in kept["errors"]] == ["Not Found Error", "Forbidden"]
    assert "data" not in kept
    assert [user["id"] for user in json.loads(excerpt(answer, OTHER))["data"]] == [OTHER]
    assert excerpt(answer, "7") == b""


# fuzzing -------------------------------------------------------------------------------------------------

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
        while True:
            keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
                continue
            act = draw(st.sampled_from(["replace", "remove", "repeat"]))
            if act == "remove":
                del place[key]
            elif act == "repeat" and isinstance(place, list):
                cast("list[Any]", place).append(place[key])
            else:
                place[key] = draw(ANY_JSON)
            break
    return document


def states_it(document: dict[str, Any], reading: Reading) -> bool:
    """Whether the JSON itself says what the reading says: written apart from the code under test."""
    data, errors = document.get("data"), document.get("errors")
    users = [data] if isinstance(data, dict) else (data or [])
    own = [user for user in users if isinstance(user, dict) and user.get("id") == reading.native_id]
    about = [
        error
        for error in errors or []
        if isinstance(error, dict) and reading.native_id in (error.get("value"), error.get("resource_id"))
    ]
    wants = {Status.SUSPENDED: "User has been suspended", Status.NOT_FOUND: "Could not find user with"}
    if reading.state.status in wants:
        return not own and any(str(e.get("detail")).startswith(wants[reading.state.status]) for e in about)
    codes: set[object] = set()
    for user in own:
        if isinstance(user.get("withheld"), dict):
            codes |= {code for code in user["withheld"].get("country_codes") or [] if code != "XY"}
    if reading.state.status is Status.WITHHELD:
        return bool(own) and set(reading.state.withheld_in) <= codes
    locked = reading.state.status is Status.PROTECTED
    return bool(own) and not codes and all(user.get("protected") is locked for user in own)


@given(st.binary(max_size=60) | ANY_JSON.map(lambda value: json.dumps(value).encode()), st.integers(100, 599))
def test_no_answer_whatsoever_raises_or_leaves_an_account_out(answer: bytes, status: int) -> None:
    lookup = read_lookup(status, answer, [ID, OTHER, ID], AT)
    assert sorted(said.native_id for said in (*lookup.readings, *lookup.missed)) == sorted([ID, OTHER])
    excerpt(answer, ID)
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
    assert reason_of(cut) is MissedReason.MALFORMED


# handles -------------------------------------------------------------------------------------------------


def test_a_handle_resolves_in_any_case_of_letters() -> None:
    answer = read_handles(200, recorded("mixed_by_id"), ["someBody"])
    assert answer.found == (Found("someBody", OTHER, "Somebody"),)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("not_found_by_handle", WhyUnresolved.NOT_FOUND),
        ("suspended_by_handle", WhyUnresolved.SUSPENDED),
        ("mixed_by_id", WhyUnresolved.NO_ANSWER),
        ("usage_capped", WhyUnresolved.NO_ANSWER),
    ],
)
def test_a_handle_without_an_id_says_why(name: str, why: WhyUnresolved) -> None:
    answer = read_handles(200, recorded(name), ["Missing1"])
    assert [(one.asked, one.why) for one in answer.unresolved] == [("Missing1", why)]


# timelines -----------------------------------------------------------------------------------------------

AUTHOR = "310000001"


@pytest.mark.parametrize("spelling", ["tweets", "posts"])
def test_a_timeline_is_read_in_both_spellings(spelling: str) -> None:
    page = read_timeline(200, recorded(f"timeline_{spelling}"), AUTHOR)
    at = [datetime(2021, 2, 1, hour, tzinfo=UTC) for hour in (8, 7, 6, 5)]
    post, target = "13560000000000000", "135500000000000000"
    assert page == Page(
        (
            Signal(SignalKind.REPOST, f"{post}40", at[0], f"{target}1", "555"),
            Signal(SignalKind.QUOTE, f"{post}30", at[1], f"{target}2", "666"),
            Signal(SignalKind.REPLY, f"{post}20", at[2], f"{target}3", "777"),
            Signal(SignalKind.POST, f"{post}10", at[3]),
        ),
        None,
    )


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("name", ["protected_timeline", "suspended_timeline"])
def test_an_unreadable_author_is_no_fault_of_ours(name: str, status: int) -> None:
    assert isinstance(read_timeline(status, recorded(name), "1500850517966311430"), Unreadable)


def test_errors_about_other_accounts_do_not_hide_a_timeline() -> None:
    document = json.loads(recorded("timeline_tweets"))
    document["errors"] = json.loads(recorded("suspended_mention"))["errors"]
    page = read_timeline(200, json.dumps(document).encode(), AUTHOR)
    assert isinstance(page, Page)
    assert len(page.signals) == 4


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(None, id="no object"),
        pytest.param({"id": 5}, id="id a number"),
        pytest.param({"id": "5", "created_at": "yesterday"}, id="odd time"),
        pytest.param({"id": "5", "referenced_tweets": {}}, id="odd references"),
        pytest.param({"id": "5", "referenced_tweets": [{"type": "quoted"}]}, id="reference without an id"),
    ],
)
def test_a_page_with_a_post_that_is_not_understood_is_not_used(post: object) -> None:
    answer = body(data=[{"id": "6"}, post], meta={"result_count": 2})
    page = read_timeline(200, answer, AUTHOR)
    assert not isinstance(page, Page | Unreadable)
    assert page.reason is MissedReason.MALFORMED


def test_an_empty_timeline_is_a_page_without_acts() -> None:
    assert read_timeline(200, body(meta={"result_count": 0}), AUTHOR) == Page((), None)


def test_a_poll_that_stopped_early_goes_on_where_it_stopped() -> None:
    acts = [Signal(SignalKind.POST, str(n), None) for n in range(900, 700, -1)]
    stopped = Position.of("500").after(acts, complete=False)
    assert stopped.cursor == "500-701-900"
    assert Position.of(stopped.cursor) == Position("500", "701", "900")
    rest = [Signal(SignalKind.POST, str(n), None) for n in range(700, 500, -1)]
    assert stopped.after(rest, complete=True).cursor == "900"


def test_a_cursor_from_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        Position.of("2021-02-01T00:00")
