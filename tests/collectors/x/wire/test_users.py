"""What an answer of X proves about each account, row by row of the classification."""

import pytest

from collectors.x.wire.users import read_lookup
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, PROTECTED, SUSPENDED
from tests.support.samples.x_answers import AT, ERROR, ID, MISSING, USER, body


def said_of(answer: bytes, native_id: str = ID, status: int = 200) -> Reading | Missed:
    lookup = read_lookup(status, answer, [native_id], AT)
    (said,) = (*lookup.readings, *lookup.missed)
    return said


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
