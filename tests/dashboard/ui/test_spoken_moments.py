"""Times in everyday words, as forms take them."""

from datetime import datetime, timedelta

import pytest

from dashboard.ui.form_input import Filled, WrongInput
from tests.support.samples.readings import T0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", T0),
        ("in 1 h", T0 + timedelta(hours=1)),
        ("IN 90m", T0 + timedelta(minutes=90)),
        ("Tomorrow 08:00", T0 + timedelta(hours=32)),
        ("today 18:30 UTC", T0 + timedelta(hours=18, minutes=30)),
        ("6h", T0 + timedelta(hours=6)),
        ("", None),
    ],
)
def test_a_time_in_everyday_words_is_in_utc(text: str, at: datetime | None) -> None:
    assert Filled({"until": text}).moment("until", T0, "End") == at


@pytest.mark.parametrize("text", ["tomorrow", "tomorrow 25:00", "in a while", "in 1", "yesterday 08:00"])
def test_what_is_no_time_is_refused_with_the_label_of_its_field(text: str) -> None:
    with pytest.raises(WrongInput, match=r"^End: this is neither"):
        Filled({"until": text}).moment("until", T0, "End")
