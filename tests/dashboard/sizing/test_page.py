"""The Sizing page: what it is filled in with, what it asks, and that it says what the command says."""

from datetime import timedelta

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.server.routing import asked as fields_in
from dashboard.sizing.page import asked_by, filled
from storage.health.sizing_report import WatchSize
from storage.model.sizing.question import SizingRefused

QUARTER = timedelta(minutes=15)
X_NOW = WatchSize(X, 1_435, 1, (1_178, 257))
MASTODON_NOW = WatchSize(MASTODON, 40, 12, ())
WATCHED = (X_NOW, MASTODON_NOW)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?accounts=many", "accounts"),
        ("?accounts=1e3", "accounts"),
        ("?accounts=٣", "accounts"),
        ("?platform=friendster&accounts=5", "platform"),
        ("?planner=clever", "platform"),
        ("?every=soon", "every"),
        ("?every=15m&budget=500", "every"),
        ("?budget=much", "budget"),
        ("?lists=257,1178", "list"),
        ("?lists=257+x", "list"),
        ("?servers=2", "servers"),
    ],
)
def test_what_cannot_be_reckoned_is_refused_for_its_field(query: str, field: str) -> None:
    with pytest.raises(SizingRefused) as refused:
        asked_by(filled(fields_in(query), WATCHED, QUARTER))
    assert refused.value.field == field
