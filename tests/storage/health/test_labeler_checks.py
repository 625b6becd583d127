"""Issues of labelers: each is called so after a while, with what is known, and ends when it is over."""

import re
from dataclasses import replace

import pytest

from collectors.bluesky.declaration import BLUESKY
from storage.countries.label_census import LabelerStatus
from storage.health.labeler_checks import labeler_checks, labeler_ending
from storage.model.alerts.conditions import ConditionKey, ConditionKind
from tests.support.samples.label_signing import LABELER
from tests.support.samples.readings import T0, minutes

NOW = minutes(600)
WELL = LabelerStatus(
    labeler=LABELER,
    platform=BLUESKY.value,
    country="DE",
    began_at=T0,
    heard_at=minutes(599),
    lost_at=None,
    lost_why="",
    gap=None,
    gap_at=None,
    listed_at=minutes(500),
    unlisted_at=None,
    unlisted_why="",
    ended_at=None,
    refused=0,
    refused_dropped=0,
    newest_refused_at=None,
)
LOST = replace(WELL, heard_at=minutes(500), lost_at=minutes(500), lost_why="It broke off.")
GAP = replace(WELL, gap="outdated_cursor", gap_at=minutes(500), unlisted_why="The list was refused.")
FORGED = replace(WELL, refused=2, newest_refused_at=minutes(590))


@pytest.mark.parametrize(
    ("one", "kind", "since", "sentence", "detail"),
    [
        pytest.param(
            LOST,
            ConditionKind.LABELS_UNHEARD,
            minutes(500),
            "Labels of the Bluesky labeler for Germany (DE) are not received",
            "It broke off.",
            id="a stream that is lost",
        ),
        pytest.param(
            replace(LOST, heard_at=None),
            ConditionKind.LABELS_UNHEARD,
            T0,
            "Labels of the Bluesky labeler for Germany (DE) were never received",
            "It broke off.",
            id="a stream that was never connected",
        ),
        pytest.param(
            GAP,
            ConditionKind.LABELS_MISSING,
            minutes(500),
            "Labels of the Bluesky labeler for Germany (DE) may be missing",
            "The list was refused.",
            id="a gap that no list filled",
        ),
        pytest.param(
            FORGED,
            ConditionKind.LABELS_REFUSED,
            minutes(590),
            "2 labels from the Bluesky labeler for Germany (DE) are kept apart",
            "",
            id="labels that it did not sign",
        ),
    ],
)
def test_an_issue_of_a_labeler_is_named_with_what_is_known(
    one: LabelerStatus, kind: ConditionKind, since: object, sentence: str, detail: str
) -> None:
    (found,) = labeler_checks([one], NOW)
    assert found.key == ConditionKey(kind, BLUESKY, LABELER)
    assert found.since == since
    assert found.sentence.startswith(sentence)
    assert detail in found.detail
    assert found.to_do


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ConditionKind.LABELS_UNHEARD, "is connected again"),
        (ConditionKind.LABELS_MISSING, "list .* was read"),
        (ConditionKind.LABELS_REFUSED, "for a day"),
    ],
)
def test_an_issue_that_is_over_says_what_was_seen(kind: ConditionKind, said: str) -> None:
    key = ConditionKey(kind, BLUESKY, LABELER)
    assert re.search(said, labeler_ending(key, [WELL]) or "")
    assert labeler_ending(key, []) == "The labels of this labeler are no longer collected"


def test_other_issues_are_not_its() -> None:
    assert labeler_ending(ConditionKey(ConditionKind.COVERAGE_LATE, BLUESKY), [WELL]) is None
