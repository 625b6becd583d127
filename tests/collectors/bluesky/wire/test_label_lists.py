"""Which lifts an answer shows without proof, and what the list of a labeler says of them."""

from typing import Any

import pytest

from collectors.bluesky.wire.label_lists import UnprovenLift, read_label_page, settled, unproven_lifts
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.profiles import read_profiles
from collectors.bluesky.wire.regional_labelers import DEFAULT_LABEL_VALUES
from collectors.core.collector import CollectorAnswer, Exchange
from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import (
    ALICE,
    BOB,
    CAROL,
    HEARD,
    LABEL,
    MAIN,
    OTHER_REGION,
    PROFILE,
    REGION,
    TWO_REGIONS,
    made,
    recorded,
)

IN_TR = {CAROL: frozenset({"TR"})}
LIFT = UnprovenLift(REGION, (CAROL, ALICE), is_batch=True)
BOTH_HEARD = f"{HEARD},{OTHER_REGION}"
OF_ALICE = {**LABEL, "uri": ALICE}
R = MissedReason
HEARD_ALL: set[str] = set()
NOT_ASKED = "did:plc:cccccccccccccccccccccccc"


def shown(*profiles: dict[str, Any], heard: str = BOTH_HEARD) -> CollectorAnswer:
    """What a batch shows that was asked for alice, bob and carol."""
    answer = made(200, {"profiles": list(profiles)}, heard)
    said = read_profiles(answer, [ALICE, BOB, CAROL], TWO_REGIONS)
    return CollectorAnswer(said.readings, said.missed, (answer,))


def one(did: str, *labels: dict[str, Any]) -> dict[str, Any]:
    return {**PROFILE, "did": did, "labels": list(labels)}


def listed(*labels: object, cursor: str | None = None) -> Exchange:
    return made(200, {"labels": list(labels), "cursor": cursor})


def outcome(answer: CollectorAnswer) -> dict[str, set[str] | MissedReason]:
    """By account the countries of which its reading is silent, or why there is none."""
    silent = {r.native_id: set(r.silent_on) for r in answer.readings}
    return silent | {m.native_id: m.reason for m in answer.missed}


def test_an_answer_that_shows_no_label_of_a_labeler_leaves_its_known_restrictions_in_doubt() -> None:
    assert unproven_lifts(shown(one(CAROL), one(ALICE)), IN_TR, TWO_REGIONS) == (LIFT,)


@pytest.mark.parametrize(
    ("answer", "withheld_in"),
    [
        pytest.param(shown(one(CAROL), one(ALICE)), {}, id="nobody is known to be restricted"),
        pytest.param(shown(one(ALICE)), IN_TR, id="who is restricted is not in the answer"),
        pytest.param(shown(one(CAROL, dict(LABEL)), one(ALICE)), IN_TR, id="the restriction is shown"),
        pytest.param(shown(one(CAROL), one(ALICE, OF_ALICE)), IN_TR, id="a label of another is shown"),
        pytest.param(
            shown(one(CAROL), one(ALICE, {**OF_ALICE, "val": "spam", "uri": f"at://{ALICE}/x/y"})),
            IN_TR,
            id="another label of the labeler is shown",
        ),
        pytest.param(shown(one(CAROL), heard=MAIN), IN_TR, id="the labeler was not heard: that is silence"),
        pytest.param(shown(one(CAROL)), {CAROL: frozenset({"FR"})}, id="no labeler speaks for the country"),
    ],
)
def test_nothing_is_in_doubt_where(answer: CollectorAnswer, withheld_in: dict[str, frozenset[str]]) -> None:
    assert unproven_lifts(answer, withheld_in, TWO_REGIONS) == ()


def test_each_labeler_is_in_doubt_by_itself_and_one_of_two_countries_once() -> None:
    shared = Labelers(MAIN, {"TR": REGION, "DE": OTHER_REGION, "AT": OTHER_REGION}, DEFAULT_LABEL_VALUES)
    held = {CAROL: frozenset({"AT", "DE", "TR"})}
    found = unproven_lifts(shown(one(CAROL)), held, shared)
    assert {d.labeler for d in found} == {REGION, OTHER_REGION}
    assert len(found) == 2
    beside = unproven_lifts(shown(one(CAROL), one(ALICE, OF_ALICE)), held, shared)
    assert [d.labeler for d in beside] == [OTHER_REGION]


WITHDRAWN = {**LABEL, "neg": True, "cts": "2026-11-24T13:50:00Z"}


@pytest.mark.parametrize(
    ("rows", "carol"),
    [
        pytest.param([WITHDRAWN], HEARD_ALL, id="withdrawn"),
        pytest.param([dict(LABEL), WITHDRAWN], HEARD_ALL, id="given and later withdrawn"),
        pytest.param([WITHDRAWN, dict(LABEL)], HEARD_ALL, id="in any order"),
        pytest.param([{**LABEL, "exp": "2026-11-24T13:59:00Z"}], HEARD_ALL, id="expired"),
        pytest.param([{**LABEL, "val": "spam"}], HEARD_ALL, id="a label that restricts nobody"),
        pytest.param([OF_ALICE | {"neg": True}], HEARD_ALL, id="not listed where another is"),
        pytest.param([dict(LABEL)], R.CONTRADICTORY, id="in force"),
        pytest.param(
            [WITHDRAWN, {**LABEL, "cts": "2026-11-24T13:55:00Z"}], R.CONTRADICTORY, id="given again"
        ),
        pytest.param([WITHDRAWN, {**LABEL, "val": "!warn"}], R.CONTRADICTORY, id="one of two in force"),
        pytest.param([{**LABEL, "exp": "2026-11-24T14:00:01Z"}], R.CONTRADICTORY, id="not yet expired"),
        pytest.param([], {"TR"}, id="nothing is listed: labels may be left out here too"),
        pytest.param([WITHDRAWN | {"src": OTHER_REGION}], {"TR"}, id="only labels of others are listed"),
        pytest.param([WITHDRAWN, {**LABEL, "cts": "now"}], {"TR"}, id="a row that cannot be dated"),
        pytest.param([WITHDRAWN, {**LABEL, "neg": "no"}], {"TR"}, id="a row that cannot be read"),
    ],
)
def test_the_list_of_a_labeler_says_whether_a_restriction_was_lifted(
    rows: list[object], carol: set[str] | MissedReason
) -> None:
    answer = settled(shown(one(CAROL), one(ALICE)), LIFT, [listed(*rows)], TWO_REGIONS)
    alice = carol if carol == {"TR"} else HEARD_ALL
    assert outcome(answer) == {CAROL: carol, ALICE: alice}
    assert len(answer.exchanges) == 2


def test_the_rows_of_all_pages_count() -> None:
    pages = [listed(dict(LABEL), cursor="1"), listed(WITHDRAWN, cursor="2"), listed()]
    answer = settled(shown(one(CAROL), one(ALICE)), LIFT, pages, TWO_REGIONS)
    assert outcome(answer) == {CAROL: HEARD_ALL, ALICE: HEARD_ALL}


def test_a_restriction_that_the_app_does_not_show_is_a_contradiction_for_anybody() -> None:
    answer = settled(shown(one(CAROL), one(ALICE)), LIFT, [listed(WITHDRAWN, OF_ALICE)], TWO_REGIONS)
    assert outcome(answer) == {CAROL: HEARD_ALL, ALICE: R.CONTRADICTORY}


def test_an_answer_about_one_account_alone_that_proves_nothing_is_a_miss() -> None:
    silent = settled(
        shown(one(CAROL), one(ALICE)), UnprovenLift(REGION, (CAROL,), is_batch=False), [], TWO_REGIONS
    )
    assert outcome(silent) == {CAROL: R.UNHEARD, ALICE: HEARD_ALL}


def test_recorded_lists_are_read() -> None:
    given = read_label_page(recorded("query_labels__moderation_takedown"))
    assert given is not None
    assert (len(given.labels), given.next_cursor) == (1, "1")
    labelers = Labelers(NOT_ASKED, {"TR": MAIN}, DEFAULT_LABEL_VALUES)
    said = read_profiles(made(200, {"profiles": [one(ALICE)]}, MAIN), [ALICE], labelers)
    answer = CollectorAnswer(said.readings, ())
    lift = UnprovenLift(MAIN, (ALICE,), is_batch=True)
    in_force = settled(answer, lift, [recorded("query_labels__moderation_takedown")], labelers)
    assert outcome(in_force) == {ALICE: R.CONTRADICTORY}
    lifted = settled(answer, lift, [recorded("query_labels__moderation_takedown_reversed")], labelers)
    assert outcome(lifted) == {ALICE: HEARD_ALL}


@pytest.mark.parametrize(
    "answer",
    [made(503, b"<html>"), made(200, b"null"), made(200, {}), made(200, {"labels": {}}), made(400, {})],
)
def test_an_answer_that_is_no_list_is_none(answer: Exchange) -> None:
    assert read_label_page(answer) is None


def test_the_last_page_names_no_next_one() -> None:
    for answer in (listed(dict(LABEL)), listed(cursor="7"), made(200, {"labels": [LABEL], "cursor": 7})):
        page = read_label_page(answer)
        assert page is not None
        assert page.next_cursor is None
