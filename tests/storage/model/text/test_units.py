"""Periods in words: "the last days" are those up to now, and no others."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.model.text.units import in_period

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
THEN = datetime(2021, 2, 12, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "now", "words"),
    [
        pytest.param(NOW, NOW, "In the last 30 days", id="up to now"),
        pytest.param(THEN, None, "In the last 30 days", id="up to when it was asked for"),
        pytest.param(THEN, NOW, "From 2021-01-13 08:00 to 2021-02-12 08:00 UTC", id="long ago"),
    ],
)
def test_a_period_that_does_not_end_now_has_both_ends(
    until: datetime, now: datetime | None, words: str
) -> None:
    assert in_period(until - timedelta(days=30), until, now) == words
