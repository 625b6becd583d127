"""When a platform was known to be mostly unreachable from a country: by what had been recorded by then."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.model.core.reachability import (
    MeasuredDay,
    RecordedDay,
    UnreachablePeriod,
    is_unreachable,
    unreachable_periods,
)
from tests.jobs.notify.test_network_alerts import DAY, NOW, TODAY, measured

HOUR = timedelta(hours=1)
SITES = {X: ("x.com", "twitter.com"), BLUESKY: ("bsky.app",)}
BAD = measured("bad", "bad")


def known(days: Iterable[MeasuredDay], at: datetime = NOW - HOUR, country: str = "TR") -> list[RecordedDay]:
    return [RecordedDay(country, at, one) for one in days]


def twitter(*outcomes: str) -> list[MeasuredDay]:
    return measured(*outcomes, domain="twitter.com")


def periods(recorded: Iterable[RecordedDay], until: datetime = NOW + 9 * DAY) -> list[UnreachablePeriod]:
    return unreachable_periods(recorded, SITES, NOW - 2 * DAY, until)


def test_a_period_begins_when_it_is_known_and_ends_when_it_is_not_any_more() -> None:
    midnight = datetime.combine(TODAY, datetime.min.time(), UTC)
    by_news = periods([*known(BAD), *known(measured("good", until=TODAY), NOW + DAY)])
    assert by_news == [UnreachablePeriod(X, "TR", NOW - HOUR, NOW + DAY)]
    assert periods(known(BAD)) == [UnreachablePeriod(X, "TR", NOW - HOUR, midnight + 3 * DAY)], "it is old"
    assert periods(known(BAD, NOW - 2 * DAY)) == [UnreachablePeriod(X, "TR", midnight, midnight + 3 * DAY)], (
        "the second day was over"
    )
    assert periods(known(BAD), NOW) == [UnreachablePeriod(X, "TR", NOW - HOUR, None)], "it lasts"
    two = [*known(BAD), *known(measured("bad", "bad", domain="bsky.app"), country="IN")]
    assert [(one.platform, one.country) for one in periods(two, NOW)] == [(X, "TR"), (BLUESKY, "IN")]


RECORDED = st.builds(
    RecordedDay,
    st.sampled_from(["TR", "IN"]),
    st.integers(-96, 96).map(lambda hours: NOW + hours * HOUR),
    st.builds(
        MeasuredDay,
        st.sampled_from(["x.com", "twitter.com", "bsky.app"]),
        st.integers(-8, 3).map(lambda days: TODAY + days * DAY),
        confirmed=st.just(0),
        anomaly=st.sampled_from([0, 4, 20]),
        failure=st.just(1),
        ok=st.sampled_from([0, 4, 20]),
    ),
)


@given(
    st.lists(RECORDED, max_size=30, unique_by=lambda r: (r.country, r.recorded_at, r.measured.domain)),
    st.lists(st.integers(-48, 120).map(lambda half_hours: NOW + half_hours * HOUR / 2), min_size=1),
)
def test_at_every_moment_only_what_was_recorded_by_then_decides(
    recorded: list[RecordedDay], moments: list[datetime]
) -> None:
    found = periods(recorded, NOW + 3 * DAY)
    for at in moments:
        for country in ("TR", "IN"):
            days: dict[tuple[str, date], MeasuredDay] = {}
            for one in sorted(recorded, key=lambda one: one.recorded_at):
                if one.recorded_at <= at and one.country == country:
                    days[one.measured.domain, one.measured.day] = one.measured
            for platform, sites in SITES.items():
                covered = any(
                    one.covers(at) for one in found if (one.platform, one.country) == (platform, country)
                )
                assert covered is is_unreachable(days.values(), sites, at.date())
