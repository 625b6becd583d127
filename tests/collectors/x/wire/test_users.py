"""What an answer of X proves about each account, row by row of the classification."""

import json

import pytest

from collectors.core.collector import Exchange
from collectors.x.wire.users import excerpt, read_lookup
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, PROTECTED, SUSPENDED
from tests.support.samples.x_answers import AT, ERROR, ID, MISSING, OTHER, USER, body, recorded

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


WHOLE_REQUESTS = [
    (401, b"", MissedReason.AUTH, "a token that X does not accept says nothing of any account"),
    (402, body(title="CreditsDepleted"), MissedReason.CREDITS, "credits that are used up are ours to mend"),
    (403, body(title="Client Forbidden"), MissedReason.ACCESS, "an app that may not look up is no block"),
    (403, recorded("suspended_by_id"), MissedReason.ACCESS, "a 403 is believed of no account it names"),
    (429, b"<html>slow down</html>", MissedReason.RATE_LIMITED, "a 429 counts whatever its body is"),
    (429, body(title="Too Many Requests"), MissedReason.RATE_LIMITED, "a 429 is a rate limit"),
    (429, recorded("usage_capped"), MissedReason.USAGE_CAPPED, "a usage cap is told by its title"),
    (
        429,
        body(type="https://api.x.com/2/problems/usage-capped"),
        MissedReason.USAGE_CAPPED,
        "a usage cap is told by its type, whatever the host",
    ),
    (500, b"", MissedReason.UPSTREAM, "a 500 is the platform's trouble"),
    (503, b"<html>oops</html>", MissedReason.UPSTREAM, "a 503 with a page is the platform's trouble"),
    (503, recorded("suspended_by_id"), MissedReason.UPSTREAM, "a 503 is believed of no account it names"),
    (404, b"", MissedReason.UPSTREAM, "an unknown path, 404 without a byte, is never a missing account"),
    (404, recorded("not_found_by_id"), MissedReason.UPSTREAM, "a 404 for a request is never a lost account"),
    (410, b"", MissedReason.UPSTREAM, "a 410 for a request is never a lost account"),
    (302, b"<html>login</html>", MissedReason.UPSTREAM, "a redirect to a login page is no answer"),
    (204, b"", MissedReason.UPSTREAM, "a success that is not 200 is no answer"),
    (400, body(errors=None), MissedReason.BAD_REQUEST, "a 400 is about the request, even without errors"),
    (200, b"", MissedReason.MALFORMED, "an empty 200 is no answer"),
    (200, b"null", MissedReason.MALFORMED, "null is no answer"),
    (200, b"[]", MissedReason.MALFORMED, "an array is no answer"),
    (200, b"{}", MissedReason.MALFORMED, "neither data nor errors is no answer"),
    (200, b"<html></html>", MissedReason.MALFORMED, "a page with 200 is no answer"),
    (200, recorded("suspended_by_id")[:-20], MissedReason.MALFORMED, "a truncated answer is no answer"),
    (200, b"[" * 100_000, MissedReason.MALFORMED, "an answer nested beyond reason is no answer"),
    (200, b"\xff\xfe\xfa", MissedReason.MALFORMED, "bytes that are no text are no answer"),
    (200, body(meta={}), MissedReason.MALFORMED, "meta alone is no answer to a lookup"),
    (200, body(data="all well"), MissedReason.MALFORMED, "data that is a text is no answer"),
    (
        200,
        body(data=[USER], errors={"0": ERROR}),
        MissedReason.MALFORMED,
        "errors that are no array spoil the whole answer",
    ),
]


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [row[:3] for row in WHOLE_REQUESTS],
    ids=[row[3] for row in WHOLE_REQUESTS],
)
def test_a_request_that_failed_as_a_whole_proves_nothing_of_any_account(
    status: int, answer: bytes, reason: MissedReason
) -> None:
    lookup = read_lookup(status, answer, [ID, OTHER], AT)
    assert lookup.fault is not None
    assert lookup.fault.reason is reason
    assert lookup.readings == ()
    assert [(miss.native_id, miss.reason) for miss in lookup.missed] == [(ID, reason), (OTHER, reason)]


def error(**changes: object) -> bytes:
    """An answer with the error of a suspended account, changed."""
    return body(errors=[{**ERROR, **changes}])


def problem(name: str) -> bytes:
    return error(type=f"https://api.x.com/2/problems/{name}")


def user(**changes: object) -> bytes:
    """An answer with the data of an account, changed."""
    return body(data=[{**USER, **changes}])


ONE_ACCOUNT = [
    (body(data=[USER], errors=[ERROR]), MissedReason.CONTRADICTORY, "in data and in errors is neither"),
    (body(errors=[ERROR, MISSING]), MissedReason.CONTRADICTORY, "two errors that disagree cancel out"),
    (
        body(data=[USER, {**USER, "protected": True}]),
        MissedReason.CONTRADICTORY,
        "twice in data with different content is neither",
    ),
    (user(protected=None), MissedReason.MALFORMED, "protected null is not open"),
    (user(protected=0), MissedReason.MALFORMED, "protected as a number is not open"),
    (body(data=[{"id": ID, "username": "a"}]), MissedReason.MALFORMED, "protected absent is not open"),
    (user(id=int(ID)), MissedReason.MALFORMED, "an id that is a number is not believed"),
    (user(username=None), MissedReason.MALFORMED, "data without a handle is not believed"),
    (user(username="a\0"), MissedReason.MALFORMED, "data with an odd handle is not believed"),
    (body(data=[], errors=[]), MissedReason.OMITTED, "an account left out is never called not found"),
    (user(id="1"), MissedReason.OMITTED, "data about another account says nothing of this one"),
    (body(data=[None, 3, "x", [3]]), MissedReason.OMITTED, "items that are no objects say nothing"),
    (error(section="includes"), MissedReason.OMITTED, "an error about what a post includes says nothing"),
    (error(parameter="entities.mentions.username"), MissedReason.OMITTED, "a suspended mention says nothing"),
    (error(parameter="in_reply_to_user_id"), MissedReason.OMITTED, "whom a post answered says nothing"),
    (error(resource_type="tweet"), MissedReason.OMITTED, "an error about a tweet says nothing"),
    (error(resource_type="post"), MissedReason.OMITTED, "an error about a post says nothing, so spelt too"),
    (error(parameter=["ids"]), MissedReason.OMITTED, "a parameter that is no text says nothing"),
    (error(value="1", resource_id="1"), MissedReason.OMITTED, "an error about another account says nothing"),
    (error(value="1"), MissedReason.UNCLASSIFIED, "an error that names two accounts is not classified"),
    (
        error(detail="User has been suspended: [1]."),
        MissedReason.UNCLASSIFIED,
        "a detail that names another account is not classified",
    ),
    (error(title="Odd"), MissedReason.UNCLASSIFIED, "an unknown title is not classified"),
    (error(title="Not Found Error"), MissedReason.UNCLASSIFIED, "a title against its detail settles nothing"),
    (problem("internal-error"), MissedReason.UNCLASSIFIED, "an internal error is not a status"),
    (problem("resource-unavailable"), MissedReason.UNCLASSIFIED, "unavailable is not a status"),
    (problem("field-hydration-failure"), MissedReason.UNCLASSIFIED, "a failed field is not a status"),
    (problem("field-unauthorized"), MissedReason.UNCLASSIFIED, "a field we may not see is not a status"),
    (problem("disallowed-resource"), MissedReason.UNCLASSIFIED, "disallowed is not a status"),
    (problem("not-authorized-for-resource"), MissedReason.UNCLASSIFIED, "unauthorised is not a status"),
    (error(type=None), MissedReason.UNCLASSIFIED, "an error without a type is not classified"),
    (error(detail={"a": 1}), MissedReason.UNCLASSIFIED, "an error without a detail is not classified"),
    (error(), SUSPENDED, "title Forbidden with a suspended detail is a suspension"),
    (error(detail="User has been suspended."), SUSPENDED, "a detail need not repeat the id"),
    (error(parameter="id"), SUSPENDED, "a lookup of one account says it the same way"),
    (body(errors=[MISSING]), NOT_FOUND, "could not find user is not found, whoever deleted it"),
    (user(), AVAILABLE, "data that is open is available"),
    (user(protected=True), PROTECTED, "protected true is protected"),
    (user(name="Withheld account"), AVAILABLE, "the display name is no evidence of anything"),
    (user(pinned_tweet_id="1"), AVAILABLE, "fields of the old spelling do not matter"),
    (user(pinned_post_id="1"), AVAILABLE, "fields of the new spelling do not matter"),
    (user(something_new={"a": [1]}), AVAILABLE, "a field that X adds does not matter"),
]


@pytest.mark.parametrize(
    ("answer", "want"), [row[:2] for row in ONE_ACCOUNT], ids=[row[2] for row in ONE_ACCOUNT]
)
def test_an_account_is_what_is_plainly_stated_of_it_or_missed(
    answer: bytes, want: State | MissedReason
) -> None:
    said = said_of(answer)
    assert (said.state if isinstance(said, Reading) else said.reason) == want


def test_a_handle_is_read_as_x_spells_it_now() -> None:
    said = said_of(user(username="SomeBody_2"))
    assert isinstance(said, Reading)
    assert said.handle == "SomeBody_2"


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
