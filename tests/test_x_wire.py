"""What an answer of X proves about each account, row by row of the classification."""

import json

import pytest

from collectors.base import Exchange
from collectors.x_wire import excerpt, read_lookup
from storage.model.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from tests.factories import AVAILABLE, NOT_FOUND, PROTECTED, SUSPENDED
from tests.x_samples import AT, ERROR, ID, MISSING, OTHER, USER, body, recorded

NO_FLAGS: set[Flag] = set()


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
        pytest.param(body(data=[None, 3, "x", [3]]), MissedReason.OMITTED, id="items that are no objects"),
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
        pytest.param(body(errors=[{**ERROR, "detail": {"a": 1}}]), MissedReason.UNCLASSIFIED, id="no detail"),
    ],
)
def test_what_is_not_plainly_stated_of_an_account_is_missed(answer: bytes, reason: MissedReason) -> None:
    assert reason_of(answer) is reason


@pytest.mark.parametrize(
    ("withheld", "state", "flags"),
    [
        pytest.param(
            {"country_codes": ["TR", "IN"]}, State(Status.WITHHELD, ("IN", "TR")), NO_FLAGS, id="countries"
        ),
        pytest.param(
            {"country_codes": ["XX", "IN"]}, State(Status.WITHHELD, ("XX",)), NO_FLAGS, id="everywhere"
        ),
        pytest.param({"country_codes": ["IN", "IN"]}, State(Status.WITHHELD, ("IN",)), NO_FLAGS, id="twice"),
        pytest.param({"country_codes": ["XY"]}, AVAILABLE, {Flag.COPYRIGHT_WITHHELD}, id="copyright only"),
        pytest.param(
            {"country_codes": ["XY", "IN"]},
            State(Status.WITHHELD, ("IN",)),
            {Flag.COPYRIGHT_WITHHELD},
            id="copyright and a country",
        ),
        pytest.param({"country_codes": [], "scope": "user"}, AVAILABLE, NO_FLAGS, id="no country"),
        pytest.param({"country_codes": None, "scope": None}, AVAILABLE, NO_FLAGS, id="both null"),
        pytest.param(None, AVAILABLE, NO_FLAGS, id="null"),
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
    found = excerpt(Exchange("/", AT, 200, recorded("mixed_by_id")), [ID, OTHER, "7"])
    kept = json.loads(json.dumps(found[ID]))
    assert [error["title"] for error in kept["errors"]] == ["Not Found Error"]
    assert "data" not in kept
    assert [user["id"] for user in json.loads(json.dumps(found[OTHER]))["data"]] == [OTHER]
    assert "7" not in found
    assert excerpt(Exchange("/", AT, 200, b"<html>"), [ID]) == {}
