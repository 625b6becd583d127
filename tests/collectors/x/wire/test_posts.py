"""What an answer of X proves about each post, row by row of the classification."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from collectors.core.collector import Exchange
from collectors.x.wire.posts import excerpt, read_posts
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
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
    recorded,
)

ID, OTHER = f"post:{POST_ID}", "post:1276230436478386177"
NO_FLAGS: frozenset[Flag] = frozenset()
WITH_AUTHOR = frozenset({Flag.WITH_AUTHOR})
COPYRIGHT = frozenset({Flag.COPYRIGHT_WITHHELD})
IN = State(Status.WITHHELD, ("IN",))


def said_of(answer: bytes, native_id: str = ID, status: int = 200) -> Reading | Missed:
    lookup = read_posts(status, answer, [native_id], AT)
    (said,) = (*lookup.readings, *lookup.missed)
    return said


def seen(state: State, flags: frozenset[Flag] = NO_FLAGS) -> Reading:
    """The reading of a post that is shown."""
    return Reading(ID, AT, state, Strength.STRONG, f"Somebody/{POST_ID}", flags)


def gone(flags: frozenset[Flag] = NO_FLAGS) -> Reading:
    return Reading(ID, AT, NOT_FOUND, Strength.WEAK, None, flags)


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


ONE_POST = [
    pytest.param(post(), seen(AVAILABLE), id="a post in data is available"),
    pytest.param(
        body(data=POST, includes={"users": [AUTHOR]}), seen(AVAILABLE), id="one post alone needs no array"
    ),
    pytest.param(post(text="Withheld"), seen(AVAILABLE), id="what it says is no evidence of anything"),
    pytest.param(post(something_new=[1]), seen(AVAILABLE), id="a field that X adds does not matter"),
    pytest.param(
        body(errors=[MISSING_POST]), gone(), id="could not find tweet is not found, whoever deleted it"
    ),
    pytest.param(
        error(resource_type="post", detail=f"Could not find post with ids: [{POST_ID}]."),
        gone(),
        id="could not find post is the same in the new spelling",
    ),
    pytest.param(error(parameter="id"), gone(), id="a lookup of one post says it the same way"),
    pytest.param(
        error(type="https://api.x.com/2/problems/resource-not-found"),
        gone(),
        id="the host of the type does not matter",
    ),
    pytest.param(
        body(errors=[UNAUTHORIZED_POST]),
        gone(WITH_AUTHOR),
        id="not authorized is not found with its author: suspended or protected, X does not say which",
    ),
    pytest.param(
        refusal(
            resource_type="post",
            detail=f"Sorry, you are not authorized to see the Post with ids: [{POST_ID}].",
        ),
        gone(WITH_AUTHOR),
        id="not authorized is the same in the new spelling",
    ),
    pytest.param(body(errors=[MISSING_POST] * 2), gone(), id="the same error twice is one statement"),
    pytest.param(posts_body(POST, POST), seen(AVAILABLE), id="the same post twice is one statement"),
    pytest.param(
        body(
            data=[POST],
            includes={"users": [AUTHOR]},
            errors=[
                {
                    **UNAUTHORIZED_POST,
                    "parameter": "referenced_tweets.id",
                    "section": "includes",
                }
            ],
        ),
        seen(AVAILABLE),
        id="an error about a post that it refers to says nothing of it",
    ),
    pytest.param(
        body(
            data=[POST],
            includes={"users": [AUTHOR]},
            errors=[
                {
                    **MISSING_POST,
                    "resource_type": "user",
                    "title": "Forbidden",
                    "detail": f"User has been suspended: [{POST_ID}].",
                    "section": "includes",
                }
            ],
        ),
        seen(AVAILABLE),
        id="a suspended user among what is included says nothing of it",
    ),
]


@pytest.mark.parametrize(("answer", "want"), ONE_POST)
def test_a_post_is_what_is_plainly_stated_of_it(answer: bytes, want: Reading) -> None:
    assert said_of(answer) == want


def test_the_recorded_answer_about_a_post_of_a_suspended_author_does_not_say_that_he_is_suspended() -> None:
    native_id = "post:1000082502030065665"
    said = said_of(recorded("unauthorized_post"), native_id)
    assert said == Reading(native_id, AT, NOT_FOUND, Strength.WEAK, None, WITH_AUTHOR)


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


@pytest.mark.parametrize(
    ("own", "authors", "state", "flags"),
    [
        pytest.param(
            withheld("TR", "IN"),
            None,
            State(Status.WITHHELD, ("IN", "TR")),
            NO_FLAGS,
            id="countries of its own, scope tweet",
        ),
        pytest.param(withheld("IN", scope="post"), None, IN, NO_FLAGS, id="scope post"),
        pytest.param(withheld("IN", scope=None), None, IN, NO_FLAGS, id="without a scope"),
        pytest.param(withheld("IN", scope="new"), None, IN, NO_FLAGS, id="an unknown scope is no author"),
        pytest.param(withheld("IN", scope="user"), None, IN, WITH_AUTHOR, id="scope user is its author's"),
        pytest.param(
            withheld("IN", scope="user"), withheld("IN", scope="user"), IN, WITH_AUTHOR, id="both say user"
        ),
        pytest.param(
            None, withheld("IN", scope="user"), IN, WITH_AUTHOR, id="an author who is withheld takes it along"
        ),
        pytest.param(
            withheld("TR"),
            withheld("IN", scope="user"),
            State(Status.WITHHELD, ("IN", "TR")),
            NO_FLAGS,
            id="withheld for its own sake as well is not merely its author's",
        ),
        pytest.param(
            withheld("IN"), withheld("IN", scope="user"), IN, NO_FLAGS, id="the same country for both reasons"
        ),
        pytest.param(
            withheld("XX", "IN"), None, State(Status.WITHHELD, ("XX",)), NO_FLAGS, id="XX is everywhere"
        ),
        pytest.param(withheld("XY"), None, AVAILABLE, COPYRIGHT, id="XY is a copyright notice only"),
        pytest.param(withheld("XY", "IN"), None, IN, COPYRIGHT, id="copyright and a country"),
        pytest.param(
            withheld("IN", copyrighted=True), None, IN, COPYRIGHT, id="a country, by reason of copyright"
        ),
        pytest.param(withheld(copyrighted=True), None, AVAILABLE, COPYRIGHT, id="copyright, no country"),
        pytest.param(
            None,
            withheld("XY", scope="user"),
            AVAILABLE,
            NO_FLAGS,
            id="a notice about its author",
        ),
        pytest.param(withheld(), None, AVAILABLE, NO_FLAGS, id="no country"),
        pytest.param(
            {"copyright": None, "country_codes": None, "scope": None}, None, AVAILABLE, NO_FLAGS, id="nulls"
        ),
    ],
)
def test_where_a_post_is_withheld_and_whether_its_author_is(
    own: object, authors: object, state: State, flags: frozenset[Flag]
) -> None:
    assert said_of(post({**AUTHOR, "withheld": authors}, withheld=own)) == seen(state, flags)


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


NEWEST = "1346889436626259999"


@pytest.mark.parametrize("name", ["edit_history_tweet_ids", "edit_history_post_ids"])
def test_the_newest_edit_answers_for_the_edit_that_was_asked_for(name: str) -> None:
    answer = posts_body({"id": NEWEST, "author_id": AUTHOR["id"], name: [POST_ID, NEWEST]})
    assert said_of(answer) == seen(AVAILABLE, frozenset({Flag.EDITED}))
    lookup = read_posts(200, answer, [ID, f"post:{NEWEST}"], AT)
    assert {r.native_id: r.handle for r in lookup.readings} == {
        ID: f"Somebody/{POST_ID}",
        f"post:{NEWEST}": f"Somebody/{NEWEST}",
    }


@pytest.mark.parametrize(
    ("newest", "want"),
    [
        pytest.param({}, AVAILABLE, id="an edit with an item of its own is what that says"),
        pytest.param({"id": "5"}, MissedReason.CONTRADICTORY, id="two newest edits that differ are neither"),
    ],
)
def test_items_about_one_post(newest: dict[str, object], want: State | MissedReason) -> None:
    history = {"author_id": AUTHOR["id"], "edit_history_tweet_ids": [POST_ID, NEWEST]}
    blocked = {"id": NEWEST, "withheld": withheld("IN"), **history}
    said = said_of(posts_body({**POST, **newest, **({} if not newest else history)}, blocked))
    assert (said.state if isinstance(said, Reading) else said.reason) == want


@pytest.mark.parametrize(
    ("parts", "flags"),
    [
        pytest.param({"edit_history_tweet_ids": [POST_ID]}, NO_FLAGS, id="never edited"),
        pytest.param({"edit_history_post_ids": ["1", POST_ID]}, {Flag.EDITED}, id="edited"),
        pytest.param(
            {"edit_history_tweet_ids": ["1", POST_ID], "withheld": withheld("IN")},
            {Flag.EDITED},
            id="edited and withheld",
        ),
    ],
)
def test_that_a_post_was_edited_is_a_side_fact(parts: dict[str, object], flags: set[Flag]) -> None:
    said = said_of(posts_body({**POST, **parts}))
    assert isinstance(said, Reading)
    assert said.flags == flags


@pytest.mark.parametrize("history", [None, POST_ID, [int(POST_ID)], {"0": POST_ID}])
def test_an_edit_history_that_cannot_be_read_answers_for_nothing(history: object) -> None:
    said = said_of(posts_body({**POST, "id": NEWEST, "edit_history_tweet_ids": history}))
    assert isinstance(said, Missed)
    assert said.reason is MissedReason.OMITTED


def test_an_edit_in_data_and_in_errors_is_neither() -> None:
    edited = {**POST, "id": NEWEST, "edit_history_tweet_ids": [POST_ID, NEWEST]}
    answer = body(data=[edited], includes={"users": [AUTHOR]}, errors=[MISSING_POST])
    said = said_of(answer)
    assert isinstance(said, Missed)
    assert said.reason is MissedReason.CONTRADICTORY


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        pytest.param(401, b"", MissedReason.AUTH, id="a refused token"),
        pytest.param(403, body(errors=[UNAUTHORIZED_POST]), MissedReason.ACCESS, id="a 403 by id"),
        pytest.param(404, body(errors=[MISSING_POST]), MissedReason.UPSTREAM, id="a 404 by id"),
        pytest.param(429, recorded("usage_capped"), MissedReason.USAGE_CAPPED, id="a usage cap"),
        pytest.param(503, b"<html>", MissedReason.UPSTREAM, id="503"),
        pytest.param(400, body(errors=None), MissedReason.BAD_REQUEST, id="400"),
        pytest.param(200, b"{}", MissedReason.MALFORMED, id="neither data nor errors"),
        pytest.param(200, post()[:-20], MissedReason.MALFORMED, id="truncated"),
        pytest.param(200, b"[" * 100_000, MissedReason.MALFORMED, id="nested beyond reason"),
        pytest.param(200, body(data="all well"), MissedReason.MALFORMED, id="data that is a text"),
    ],
)
def test_a_request_that_failed_as_a_whole_proves_nothing_of_any_post(
    status: int, answer: bytes, reason: MissedReason
) -> None:
    lookup = read_posts(status, answer, [ID, OTHER], AT)
    assert lookup.fault is not None
    assert lookup.readings == ()
    assert [(miss.native_id, miss.reason) for miss in lookup.missed] == [(ID, reason), (OTHER, reason)]


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


def test_an_excerpt_holds_what_decides_and_its_author_but_not_what_the_post_says() -> None:
    stranger = {**AUTHOR, "id": "77", "username": "stranger"}
    others: dict[str, object] = {
        **POST,
        "id": OTHER.removeprefix("post:"),
        "author_id": "77",
        "edit_history_tweet_ids": [],
    }
    answer = body(
        data=[{**POST, "text": "secret", "withheld": withheld("IN")}, others],
        includes={"users": [{**AUTHOR, "description": "secret"}, stranger]},
        errors=[{**MISSING_POST, "value": "22", "resource_id": "22"}],
    )
    found = json.loads(json.dumps(excerpt(Exchange("/", AT, 200, answer), [ID, "post:22", "post:9"])))
    assert found[ID] == {
        "data": [{**{k: v for k, v in POST.items() if k != "text"}, "withheld": withheld("IN")}],
        "includes": {"users": [{k: v for k, v in AUTHOR.items() if k != "name"}]},
    }
    assert found["post:22"].keys() == {"errors"}
    assert found.keys() == {ID, "post:22"}
    assert excerpt(Exchange("/", AT, 200, b"<html>"), [ID]) == {}


def test_an_excerpt_about_an_edit_is_the_newest_one() -> None:
    edited = {**POST, "id": NEWEST, "edit_history_tweet_ids": [POST_ID, NEWEST]}
    found = json.loads(json.dumps(excerpt(Exchange("/", AT, 200, posts_body(edited)), [ID])))
    assert found[ID]["data"][0]["id"] == NEWEST
