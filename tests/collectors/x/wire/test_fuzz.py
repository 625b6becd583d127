"""No answer of X, however broken, raises or is read as more than it states."""

import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from collectors.core.collector import Exchange
from collectors.core.wire import WireFault, is_object
from collectors.x.wire import posts
from collectors.x.wire.compliance import ComplianceJob, read_job, read_reasons
from collectors.x.wire.follows import FollowsPage, read_counts, read_following
from collectors.x.wire.handles import read_handles
from collectors.x.wire.timeline import LikedPage, read_liked, read_timeline
from collectors.x.wire.users import excerpt, read_lookup
from storage.model.core.availability import Flag, MissedReason, Reading, Status
from tests.fuzz.mutation import any_json, broken
from tests.support.samples.x_answers import (
    AT,
    AUTHOR,
    ERROR,
    ID,
    MISSING,
    MISSING_POST,
    OTHER,
    POST,
    POST_ID,
    UNAUTHORIZED_POST,
    USER,
)

NAMES = (
    "withheld country_codes data errors meta next_token author_id public_metrics following_count reason "
    "includes users edit_history_tweet_ids copyright scope"
)
WORDS = st.sampled_from([ID, OTHER, POST_ID, *USER, *ERROR, *map(str, ERROR.values()), *NAMES.split(), "IN"])
ANY_JSON = any_json(WORDS)
VALID: tuple[dict[str, Any], ...] = (
    {"data": [{**USER}, {**USER, "id": OTHER, "withheld": {"country_codes": ["IN"], "scope": "user"}}]},
    {"data": [{**USER, "id": OTHER, "protected": True}], "errors": [{**ERROR}]},
    {"errors": [{**MISSING}, {**ERROR, "value": OTHER, "resource_id": OTHER}]},
)


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


POSTS = [f"post:{POST_ID}", f"post:{OTHER}"]
VALID_POSTS: tuple[dict[str, Any], ...] = (
    {
        "data": [
            {**POST},
            {**POST, "id": OTHER, "edit_history_post_ids": [ID, OTHER], "author_id": ID}
            | {"withheld": {"copyright": False, "country_codes": ["IN"], "scope": "tweet"}},
        ],
        "includes": {"users": [{**AUTHOR}, {**USER, "withheld": {"country_codes": ["TR"], "scope": "user"}}]},
    },
    {
        "data": [{**POST, "withheld": {"copyright": True, "country_codes": ["XY"], "scope": "user"}}],
        "includes": {"users": [{**AUTHOR}]},
        "errors": [{**MISSING_POST, "value": OTHER, "resource_id": OTHER, "detail": "Could not find tweet"}],
    },
    {"errors": [{**MISSING_POST}]},
    {"errors": [{**UNAUTHORIZED_POST}]},
)


def post_states_it(document: dict[str, Any], reading: Reading) -> bool:
    """Whether the JSON itself says of a post what the reading says: apart from the code under test."""
    number, items = reading.native_id.removeprefix("post:"), objects(document.get("data"))
    own = [item for item in items if item.get("id") == number]
    # The history of a post that was never edited holds its own id alone.
    own = own or [item for item in items if number in edits_of(item) and len(edits_of(item)) > 1]
    with_author = Flag.WITH_AUTHOR in reading.flags
    if reading.state.status is Status.NOT_FOUND:
        details = [
            str(error.get("detail"))
            for error in objects(document.get("errors"))
            if number in (error.get("value"), error.get("resource_id"))
        ]
        start = "Sorry, you are not authorized to see the Tweet" if with_author else "Could not find tweet"
        return not own and any(text.startswith(start) for text in details)
    included: Any = document.get("includes")
    users = objects(included.get("users")) if is_object(included) else []
    authors = [user for user in users if own and user.get("id") == own[0].get("author_id")]
    if not own or not authors or any(user.get("protected") is not False for user in authors):
        return False
    of_post, of_author = withheld_codes(own), withheld_codes(authors)
    if reading.state.status is Status.AVAILABLE:
        return not of_post and not of_author
    is_author_only = not of_post or own[0]["withheld"].get("scope") == "user"
    countries = set(reading.state.withheld_in)
    is_withheld = reading.state.status is Status.WITHHELD and countries <= of_post | of_author
    return is_withheld and with_author is is_author_only


def edits_of(item: dict[str, Any]) -> list[Any]:
    """The ids in its edit history, in either spelling."""
    listed = [item.get(name) for name in ("edit_history_tweet_ids", "edit_history_post_ids")]
    return [edit for edits in listed if isinstance(edits, list) for edit in cast("list[Any]", edits)]


def withheld_codes(items: list[dict[str, Any]]) -> set[Any]:
    """The countries of their `withheld` objects, without that of copyright."""
    objects_of = [item["withheld"] for item in items if item.get("withheld") is not None]
    return {code for one in objects_of for code in one.get("country_codes") or ()} - {"XY"}


@given(broken(VALID_POSTS, ANY_JSON))
def test_no_reading_of_a_post_says_more_than_the_answer_states(document: dict[str, Any]) -> None:
    answer = json.dumps(document).encode()
    lookup = posts.read_posts(200, answer, POSTS, AT)
    assert sorted(said.native_id for said in (*lookup.readings, *lookup.missed)) == sorted(POSTS)
    for reading in lookup.readings:
        assert post_states_it(json.loads(answer), reading), reading
    json.dumps(posts.excerpt(Exchange("/", AT, 200, answer), POSTS))


@given(st.binary(max_size=60) | ANY_JSON.map(lambda value: json.dumps(value).encode()), st.integers(100, 599))
def test_no_answer_whatsoever_raises_or_leaves_an_account_out(answer: bytes, status: int) -> None:
    lookup = read_lookup(status, answer, [ID, OTHER, ID], AT)
    assert sorted(said.native_id for said in (*lookup.readings, *lookup.missed)) == sorted([ID, OTHER])
    excerpt(Exchange("/", AT, status, answer), [ID])
    of_posts = posts.read_posts(status, answer, POSTS, AT)
    assert sorted(said.native_id for said in (*of_posts.readings, *of_posts.missed)) == sorted(POSTS)
    posts.excerpt(Exchange("/", AT, status, answer), POSTS)
    read_timeline(status, answer, ID)
    read_following(status, answer, ID)
    read_liked(status, answer, ID)
    read_counts(status, answer, [ID, OTHER])
    read_job(status, answer)
    read_reasons(status, answer, {ID, OTHER})
    handles = read_handles(status, answer, ["Somebody", "missing1"])
    assert len(handles.found) + len(handles.unresolved) == 2


@given(broken(VALID, ANY_JSON))
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


LISTS: tuple[dict[str, Any], ...] = (
    {"data": [{**USER, "author_id": "5"}, {**USER, "id": OTHER}], "meta": {"next_token": "t"}},
    {"data": [{**USER, "public_metrics": {"following_count": 3}}], "meta": {"result_count": 1}},
    {"data": [{**USER}], "errors": [{**ERROR}], "meta": {"result_count": 1}},
    {"meta": {"result_count": 0}},
)


@given(broken(LISTS, ANY_JSON))
def test_a_list_holds_who_is_on_the_page_and_nobody_is_passed_over(document: dict[str, Any]) -> None:
    answer = json.dumps(document).encode()
    stated = [item.get("id") for item in objects(document.get("data") or [])]
    follows = read_following(200, answer, "1")
    if isinstance(follows, FollowsPage):
        assert [target for target, _ in follows.targets] == stated
        assert not (follows.whole and document.get("errors"))
    likes = read_liked(200, answer, "1")
    if isinstance(likes, LikedPage):
        assert [signal.native_id for signal in likes.signals] == stated
    counts = read_counts(200, answer, [ID])
    if not isinstance(counts, WireFault):
        for count in counts.values():
            assert any(
                is_object(user.get("public_metrics"))
                and user["public_metrics"].get("following_count") == count
                for user in objects(document.get("data"))
            )


@given(st.sampled_from(LISTS), st.data())
def test_a_cut_list_is_malformed_wherever_it_was_cut(document: dict[str, Any], data: st.DataObject) -> None:
    answer = json.dumps(document).encode()
    cut = answer[: data.draw(st.integers(0, len(answer) - 1))]
    for said in (read_following(200, cut, ID), read_liked(200, cut, ID)):
        assert isinstance(said, WireFault)
        assert said.reason is MissedReason.MALFORMED


@given(st.lists(st.tuples(st.sampled_from([ID, OTHER, "1"]), ANY_JSON), max_size=5))
def test_a_file_of_reasons_says_no_more_than_its_lines(pairs: list[tuple[str, Any]]) -> None:
    lines = b"\n".join(json.dumps({"id": i, "reason": reason}).encode() for i, reason in pairs)
    said = read_reasons(200, lines, {ID, OTHER})
    if not isinstance(said, WireFault):
        assert {(i, reason) for i, reasons in said.items() for reason in reasons} == {
            (i, reason) for i, reason in pairs if i != "1"
        }


@given(ANY_JSON)
def test_a_job_is_made_of_nothing_but_a_job(data: Any) -> None:
    said = read_job(200, json.dumps({"data": data}).encode())
    assert not isinstance(said, ComplianceJob) or said.job_id == data["id"]
