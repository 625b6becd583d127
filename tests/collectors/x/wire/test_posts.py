"""What an answer of X proves about each post, row by row of the classification."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from collectors.x.wire.posts import read_posts
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status
from tests.support.samples.readings import AVAILABLE, NOT_FOUND
from tests.support.samples.x_answers import (
    AT,
    AUTHOR,
    MISSING_POST,
    POST,
    POST_ID,
    UNAUTHORIZED_POST,
    body,
    posts_body,
)

ID, OTHER = f"post:{POST_ID}", "post:1276230436478386177"
NO_FLAGS: frozenset[Flag] = frozenset()
WITH_AUTHOR = frozenset({Flag.WITH_AUTHOR})
IN = State(Status.WITHHELD, ("IN",))


def said_of(answer: bytes, native_id: str = ID, status: int = 200) -> Reading | Missed:
    lookup = read_posts(status, answer, [native_id], AT)
    (said,) = (*lookup.readings, *lookup.missed)
    return said


def post(author: Mapping[str, Any] = AUTHOR, **changes: object) -> bytes:
    """An answer with the post and its author, changed."""
    return posts_body({**POST, **changes}, authors=[author])


def without(name: str) -> bytes:
    """An answer with a post that lacks a field."""
    return posts_body({key: value for key, value in POST.items() if key != name})


def by(**changes: object) -> bytes:
    """An answer in which the author is changed."""
    return post({**AUTHOR, **changes})


def error(**changes: object) -> bytes:
    """An answer with the error about a missing post, changed."""
    return body(errors=[{**MISSING_POST, **changes}])


def refusal(**changes: object) -> bytes:
    """An answer with the error about a post that is not for us, changed."""
    return body(errors=[{**UNAUTHORIZED_POST, **changes}])


MISSES = [
    pytest.param(body(data=[], errors=[]), MissedReason.OMITTED, id="a post left out is never not found"),
    pytest.param(post(id="1", edit_history_tweet_ids=["1"]), MissedReason.OMITTED, id="another post"),
    pytest.param(
        body(data=[None, 3, "x", [3]]), MissedReason.OMITTED, id="items that are no objects say nothing"
    ),
    pytest.param(post(id=int(POST_ID)), MissedReason.MALFORMED, id="an id that is a number is not believed"),
    pytest.param(without("author_id"), MissedReason.MALFORMED, id="a post without an author is not believed"),
    pytest.param(post(author_id=7), MissedReason.MALFORMED, id="an author who is a number is not believed"),
    pytest.param(
        posts_body(POST, authors=[]), MissedReason.OMITTED, id="without its author it may be withheld with it"
    ),
    pytest.param(by(id="1"), MissedReason.OMITTED, id="another author is not the author"),
    pytest.param(
        body(data=[POST], includes=[AUTHOR]),
        MissedReason.OMITTED,
        id="includes that is no object",
    ),
    pytest.param(by(username=None), MissedReason.MALFORMED, id="an author without a handle is not believed"),
    pytest.param(by(username="a b"), MissedReason.MALFORMED, id="an author with an odd handle"),
    pytest.param(by(protected=None), MissedReason.MALFORMED, id="an author of unknown protection"),
    pytest.param(
        by(protected=True), MissedReason.CONTRADICTORY, id="posts of protected accounts are not shown to apps"
    ),
    pytest.param(
        posts_body(POST, authors=[AUTHOR, {**AUTHOR, "username": "Other"}]),
        MissedReason.CONTRADICTORY,
        id="an author twice with different content is neither",
    ),
    pytest.param(
        body(data=[POST], includes={"users": [AUTHOR]}, errors=[MISSING_POST]),
        MissedReason.CONTRADICTORY,
        id="in data and in errors is neither",
    ),
    pytest.param(
        body(data=[POST], includes={"users": [AUTHOR]}, errors=[UNAUTHORIZED_POST]),
        MissedReason.CONTRADICTORY,
        id="shown and not for us is neither",
    ),
    pytest.param(
        posts_body(POST, {**POST, "withheld": {"copyright": False, "country_codes": ["IN"]}}),
        MissedReason.CONTRADICTORY,
        id="twice in data with different content is neither",
    ),
    pytest.param(
        body(errors=[MISSING_POST, UNAUTHORIZED_POST]),
        MissedReason.CONTRADICTORY,
        id="not found and not for us cancel out",
    ),
    pytest.param(error(resource_type="user"), MissedReason.OMITTED, id="an error about a user says nothing"),
    pytest.param(error(resource_type=["tweet"]), MissedReason.OMITTED, id="a type that is no text"),
    pytest.param(error(section="includes"), MissedReason.OMITTED, id="an error about what is included"),
    pytest.param(
        error(parameter="referenced_tweets.id"), MissedReason.OMITTED, id="an error about a post referred to"
    ),
    pytest.param(
        error(value="1", resource_id="1"), MissedReason.OMITTED, id="an error about another post says nothing"
    ),
    pytest.param(error(value="1"), MissedReason.UNCLASSIFIED, id="an error that names two posts"),
    pytest.param(
        error(detail="Could not find tweet with ids: [1]."),
        MissedReason.UNCLASSIFIED,
        id="a detail that names another post",
    ),
    pytest.param(
        error(detail=f"Could not find user with ids: [{POST_ID}]."),
        MissedReason.UNCLASSIFIED,
        id="could not find user is not said of a post",
    ),
    pytest.param(
        error(title="Forbidden", detail=f"User has been suspended: [{POST_ID}]."),
        MissedReason.UNCLASSIFIED,
        id="a suspended user is not said of a post",
    ),
    pytest.param(error(title="Authorization Error"), MissedReason.UNCLASSIFIED, id="title against type"),
    pytest.param(refusal(title="Not Found Error"), MissedReason.UNCLASSIFIED, id="type against title"),
    pytest.param(refusal(detail=MISSING_POST["detail"]), MissedReason.UNCLASSIFIED, id="detail against both"),
    pytest.param(error(title="Odd"), MissedReason.UNCLASSIFIED, id="an unknown title"),
    pytest.param(error(type=None), MissedReason.UNCLASSIFIED, id="an error without a type"),
    pytest.param(
        error(type="https://api.x.com/2/problems/internal-error"),
        MissedReason.UNCLASSIFIED,
        id="an internal error is not a status",
    ),
    pytest.param(
        error(type="https://api.x.com/2/problems/resource-unavailable"),
        MissedReason.UNCLASSIFIED,
        id="unavailable is not a status",
    ),
]


@pytest.mark.parametrize(("answer", "reason"), MISSES)
def test_what_is_not_plainly_stated_of_a_post_is_missed(answer: bytes, reason: MissedReason) -> None:
    said = said_of(answer)
    assert isinstance(said, Missed)
    assert said.reason is reason


def withheld(*codes: str, scope: str | None = "tweet", copyrighted: bool = False) -> dict[str, object]:
    """The `withheld` object of a post or, with the scope `user`, of an account."""
    given: dict[str, object] = {"copyright": copyrighted, "country_codes": list(codes)}
    return given if scope is None else {**given, "scope": scope}


@pytest.mark.parametrize("whose", ["post", "author"])
@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(odd, id=json.dumps(odd))
        for odd in (
            {},
            True,
            "IN",
            ["IN"],
            {"country_codes": "IN"},
            {"country_codes": ["India"]},
            {"country_codes": ["in"]},
            {"country_codes": None, "scope": "user"},
            {"copyright": "yes", "country_codes": ["IN"]},
            {"country_codes": ["IN"], "scope": ["user"]},
        )
    ],
)
def test_a_withheld_object_that_cannot_be_read_is_not_called_available(odd: object, whose: str) -> None:
    said = said_of(post(withheld=odd) if whose == "post" else by(withheld=odd))
    assert isinstance(said, Missed)
    assert said.reason is MissedReason.MALFORMED


def about(item: Mapping[str, Any], number: str) -> dict[str, Any]:
    """An error, about another post."""
    detail = item["detail"].replace(POST_ID, number)
    return {**item, "value": number, "resource_id": number, "detail": detail}


def test_an_answer_about_several_posts_says_of_each_its_own() -> None:
    blocked, missing, hidden, omitted = (f"post:{n}" for n in (21, 22, 23, 24))
    answer = body(
        data=[{**POST, "id": "21", "withheld": withheld("DE")}, POST],
        includes={"users": [AUTHOR]},
        errors=[
            about(MISSING_POST, "22"),
            about(UNAUTHORIZED_POST, "23"),
        ],
    )
    lookup = read_posts(200, answer, [missing, hidden, ID, blocked, omitted, "7"], AT)
    assert [(r.native_id, r.state, r.flags) for r in lookup.readings] == [
        (missing, NOT_FOUND, NO_FLAGS),
        (hidden, NOT_FOUND, WITH_AUTHOR),
        (ID, AVAILABLE, NO_FLAGS),
        (blocked, State(Status.WITHHELD, ("DE",)), NO_FLAGS),
    ]
    assert {(m.native_id, m.reason) for m in lookup.missed} == {
        (omitted, MissedReason.OMITTED),
        ("7", MissedReason.BAD_REQUEST),
    }
