"""Which lifts an answer shows without proof, and what the list of a labeler says of them."""

from typing import Any

import pytest

from collectors.bluesky.wire.label_lists import UnprovenLift, settled
from collectors.bluesky.wire.profiles import read_profiles
from collectors.core.collector import CollectorAnswer, Exchange
from storage.model.core.availability import MissedReason
from tests.support.samples.bluesky_answers import (
    ALICE,
    BOB,
    CAROL,
    HEARD,
    LABEL,
    OTHER_REGION,
    PROFILE,
    REGION,
    TWO_REGIONS,
    made,
)

LIFT = UnprovenLift(REGION, (CAROL, ALICE), is_batch=True)
BOTH_HEARD = f"{HEARD},{OTHER_REGION}"
OF_ALICE = {**LABEL, "uri": ALICE}
R = MissedReason
HEARD_ALL: set[str] = set()


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


def test_a_restriction_that_the_app_does_not_show_is_a_contradiction_for_anybody() -> None:
    answer = settled(shown(one(CAROL), one(ALICE)), LIFT, [listed(WITHDRAWN, OF_ALICE)], TWO_REGIONS)
    assert outcome(answer) == {CAROL: HEARD_ALL, ALICE: R.CONTRADICTORY}


def test_an_answer_about_one_account_alone_that_proves_nothing_is_a_miss() -> None:
    silent = settled(
        shown(one(CAROL), one(ALICE)), UnprovenLift(REGION, (CAROL,), is_batch=False), [], TWO_REGIONS
    )
    assert outcome(silent) == {CAROL: R.UNHEARD, ALICE: HEARD_ALL}
