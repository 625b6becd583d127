"""A change of a post is told as one in feeds, in the API and by `blockline check`."""

from dataclasses import replace

import pytest

from collectors.x.declaration import X
from dashboard.feeds.atom import sentences
from storage.live.feeds import FeedChange
from storage.model.causes.causes import CauseSubject, CauseText, StatedCause
from storage.model.core.availability import ChangeKind, Reason, State, kind_of
from tests.storage.causes.test_ledger import PAPER
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, WITHHELD_IN, minutes

GONE = FeedChange(
    change_key="k",
    account_id=1,
    platform=X,
    native_id="post:5",
    handle="alice/5",
    kind=ChangeKind.GONE,
    old=AVAILABLE,
    new=NOT_FOUND,
    flags=frozenset(),
    last_seen_old=minutes(0),
    first_seen_new=minutes(10),
    decided_at=minutes(30),
    reason=Reason.ENOUGH_WEAK,
    readings=4,
    source="x",
    corrects=False,
    causes=(),
)


def stated(text: CauseText, about: CauseSubject) -> StatedCause:
    return StatedCause(1, None, False, about, text, None, minutes(60), "ada")


@pytest.mark.parametrize(
    ("new", "text", "line"),
    [
        pytest.param(WITHHELD_IN, None, "Cause: not known.", id="of a block nobody has recorded a cause"),
        pytest.param(NOT_FOUND, None, None, id="of what is no block nothing is said"),
        pytest.param(
            NOT_FOUND,
            PAPER,
            "Cause: the platform's terms (Section 69A IT Act), according to the press (A paper) of "
            "1 Feb 2021, notice.eml; reported.",
            id="what is stated is told with its source",
        ),
    ],
)
def test_an_entry_about_a_post_says_its_cause(new: State, text: CauseText | None, line: str | None) -> None:
    said = () if text is None else (stated(text, CauseSubject(change_id=1)),)
    told = list(sentences(replace(GONE, kind=kind_of(AVAILABLE, new), new=new, causes=said)))
    assert [one for one in told if one.startswith("Cause")] == ([] if line is None else [line])
    assert told[-1] == "An order that names a post, or an engagement near a change, is not evidence of cause."
