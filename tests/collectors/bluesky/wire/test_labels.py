"""What the labels of regional labelers say, and of which regions an answer says nothing."""

import pytest

from collectors.bluesky.wire.errors import Absence
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.profiles import read_profile
from collectors.core.collector import Exchange
from storage.model.core.availability import Flag, Missed, Reading
from tests.support.samples.bluesky_answers import (
    ALICE,
    CAROL,
    MAIN,
    REGION,
    TWO_REGIONS,
    profile,
)


def of_labels(answer: Exchange, labelers: Labelers = TWO_REGIONS) -> Reading | Missed | Absence:
    return read_profile(answer, CAROL, labelers)


@pytest.mark.parametrize("uri", [CAROL, f"at://{CAROL}/app.bsky.actor.profile/self"])
@pytest.mark.parametrize(
    ("parts", "asks"), [({}, True), ({"neg": True}, False), ({"src": ALICE}, False), ({"val": "x"}, False)]
)
def test_only_the_owner_can_ask_for_signed_in_readers(uri: str, parts: dict[str, object], asks: bool) -> None:
    said = of_labels(profile([{"src": CAROL, "uri": uri, "val": "!no-unauthenticated", **parts}]))
    assert isinstance(said, Reading)
    assert said.flags == (frozenset({Flag.NO_UNAUTHENTICATED}) if asks else frozenset())


@pytest.mark.parametrize(
    ("main", "regions", "sentence"),
    [
        (MAIN, {"TR": MAIN}, "the main labeler cannot also be"),
        (MAIN, {"tr": REGION}, "'tr' is not a country code"),
        (MAIN, {"TR": "mod-tr.bsky.app"}, "'mod-tr.bsky.app' is not the DID"),
        (f"{MAIN}, {REGION};redact", {}, "is not the DID"),
    ],
)
def test_labelers_that_cannot_be_asked_are_refused(main: str, regions: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Labelers(main, regions, frozenset())
