"""Gaps of coverage, countries out of reach, disputed dates: folded as every single reading says."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.model.core.country_scope import CountryScope, CountryScopes
from storage.model.core.coverage import Gap, bitmap
from storage.model.core.coverage_gaps import (
    AnsweredRequest,
    Seen,
    Watch,
    coarser,
    coverage_of,
    shared_coverage,
)
from storage.model.core.packed_columns import instant, integers, microseconds
from storage.model.core.reachability import (
    MeasuredDay,
    RecordedDay,
    UnreachablePeriod,
    is_unreachable,
    unreachable_periods,
)
from tests.jobs.notify.test_network_alerts import DAY, NOW, TODAY, measured
from tests.support.samples.readings import minutes

T0 = datetime(2021, 2, 1, tzinfo=UTC)
SWEEP = timedelta(minutes=30)
LIMIT = 2.5 * SWEEP


def at(n: float) -> datetime:
    return T0 + n * SWEEP


def log_of(
    roster_id: int, times: list[float], answers: list[list[bool]], *, whole: bool
) -> list[AnsweredRequest]:
    """The log as the database gives it: without the requests that tell nothing, unless `whole`."""
    bits = [bitmap(a) for a in answers]
    out: list[AnsweredRequest] = []
    for i, time in enumerate(times):
        previous = at(times[i - 1]) if i else None
        following = at(times[i + 1]) if i + 1 < len(times) else None
        tells = previous is None or following is None or at(time) - previous > LIMIT or bits[i] is not None
        if tells or whole:
            out.append(AnsweredRequest(roster_id, at(time), previous, following, bits[i]))
    return out


def plainly(readings: set[float]) -> Seen:
    times = sorted(readings)
    gaps = [Gap(at(a), at(b)) for a, b in pairwise(times) if at(b) - at(a) > LIMIT]
    return Seen(at(times[-1]) if times else None, tuple(gaps))


@given(
    st.sets(st.integers(0, 40), max_size=30).flatmap(
        lambda times: st.tuples(
            st.just(sorted(float(t) for t in times)),
            st.lists(
                st.lists(st.booleans(), min_size=3, max_size=3), min_size=len(times), max_size=len(times)
            ),
        )
    ),
    st.sets(st.integers(0, 80).map(lambda n: n / 2 + 0.25), max_size=6),
)
def test_the_gaps_of_an_account_are_those_between_its_own_readings(
    asked: tuple[list[float], list[list[bool]]], rereads: set[float]
) -> None:
    times, answers = asked
    single = sorted(rereads)
    rosters = {1: Watch((10, 11, 12), base=True), 2: Watch((11,), base=False)}
    requests = [
        *log_of(1, times, answers, whole=False),
        *log_of(2, single, [[True]] * len(single), whole=True),
    ]

    seen = coverage_of(rosters, requests, LIMIT)

    for position, account_id in enumerate((10, 11, 12)):
        own = {t for t, a in zip(times, answers, strict=True) if a[position]}
        assert seen[account_id] == plainly(own | (rereads if account_id == 11 else set()))


@given(
    st.lists(st.sets(st.integers(0, 60), max_size=20), min_size=4, max_size=4),
    st.lists(st.sets(st.integers(0, 3)), min_size=5, max_size=5),
)
def test_an_account_that_moves_between_rosters_has_the_gaps_between_all_its_readings(
    times: list[set[int]], rosters_of: list[set[int]]
) -> None:
    members = {n: tuple(a for a, own in enumerate(rosters_of) if n in own) for n in range(len(times))}
    asked = {n: sorted(float(t) for t in some) for n, some in enumerate(times)}
    requests = [
        request
        for n, some in asked.items()
        for request in log_of(n, some, [[True] * len(members[n])] * len(some), whole=False)
    ]

    seen = coverage_of({n: Watch(ids, base=True) for n, ids in members.items()}, requests, LIMIT)

    for account_id, own in enumerate(rosters_of):
        if own:
            assert seen[account_id] == plainly({t for n in own for t in asked[n]})


ROSTERS = st.lists(
    st.tuples(
        st.lists(st.integers(1, 5), min_size=1, max_size=4, unique=True),
        st.booleans(),
        st.lists(st.integers(0, 20), max_size=8, unique=True).map(sorted),
        st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=8, max_size=8),
    ),
    max_size=4,
)


@given(ROSTERS, st.none() | st.integers(0, 20))
def test_what_accounts_of_a_roster_share_is_what_each_of_them_has(
    drawn: list[tuple[list[int], bool, list[int], list[list[bool]]]], since: int | None
) -> None:
    rosters = {n: Watch(tuple(ids), base) for n, (ids, base, _, _) in enumerate(drawn)}
    requests: list[AnsweredRequest] = []
    for n, (ids, _, times, answers) in enumerate(drawn):
        cut = [a[: len(ids)] for a, _ in zip(answers, times, strict=False)]
        requests += log_of(n, [float(t) for t in times], cut, whole=False)
    begin = None if since is None else at(since)

    each = coverage_of(rosters, requests, LIMIT, begin)
    shared = shared_coverage(rosters, requests, LIMIT, begin)

    of_the_rest = {
        a: shared.of_account.get(a, shared.of_roster[n])
        for n, w in rosters.items()
        if w.base
        for a in w.account_ids
    }
    assert each == of_the_rest | dict(shared.of_account)


@given(ROSTERS, st.sets(st.integers(1, 5)))
def test_those_that_are_asked_about_have_what_they_have_among_all(
    drawn: list[tuple[list[int], bool, list[int], list[list[bool]]]], only: set[int]
) -> None:
    rosters = {n: Watch(tuple(ids), base) for n, (ids, base, _, _) in enumerate(drawn)}
    requests: list[AnsweredRequest] = []
    for n, (ids, _, times, answers) in enumerate(drawn):
        cut = [a[: len(ids)] for a, _ in zip(answers, times, strict=False)]
        requests += log_of(n, [float(t) for t in times], cut, whole=False)

    every = coverage_of(rosters, requests, LIMIT)
    assert coverage_of(rosters, requests, LIMIT, None, only) == {a: s for a, s in every.items() if a in only}


STEP = timedelta(minutes=25)


@given(st.lists(st.sets(st.integers(0, 200), max_size=8), max_size=8))
def test_coverage_made_coarser_never_says_that_more_was_seen(drawn: list[set[int]]) -> None:
    """Whatever the last reading is taken for, as a page draws it: known since the last silence."""
    found = {plainly({t / 4 for t in times}) for times in drawn}
    coarse = coarser(found, STEP)

    assert coarse.keys() == found
    for seen, rounded in coarse.items():
        assert (seen.last is None) == (rounded.last is None)
        if seen.last is None or rounded.last is None:
            continue
        assert timedelta() <= seen.last - rounded.last < STEP
        for t in (at(n / 8) for n in range(401)):
            in_silence = any(g.since < t < (g.until or t) for g in seen.gaps)
            silent_when_rounded = any(g.since < t < (g.until or t) for g in rounded.gaps)
            assert silent_when_rounded or not in_silence
            nearest = [abs(t - edge) for g in seen.gaps for edge in (g.since, g.until) if edge is not None]
            assert in_silence or not silent_when_rounded or min(nearest) < STEP
    lasts = sorted({rounded.last for rounded in coarse.values() if rounded.last is not None})
    assert all(b - a >= STEP for a, b in pairwise(lasts)), "those that are nearer are one"


TR, BOTH = frozenset({"TR"}), frozenset({"BR", "TR"})
SCOPES = CountryScopes(
    (CountryScope(minutes(0), TR), CountryScope(minutes(10), BOTH), CountryScope(minutes(20), TR))
)


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        pytest.param(9.9, "BR", id="an answer that was made before the settings of today"),
        pytest.param(10, "", id="an answer of today"),
    ],
)
def test_an_answer_from_before_a_restart_lacks_what_the_settings_of_then_lacked(
    minute: float, expected: str
) -> None:
    assert CountryScopes(SCOPES.scopes[:2]).before_the_newest(minutes(minute)) == _countries(expected)


def _countries(words: str) -> frozenset[str]:
    found: Iterable[str] = words.split()
    return frozenset(found)


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_a_column_gives_back_the_numbers_that_were_packed_into_it(numbers: list[int]) -> None:
    assert list(integers(b"".join(n.to_bytes(8, "big", signed=True) for n in numbers))) == numbers


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_the_same_as_a_number(at: datetime) -> None:
    assert instant(microseconds(at)) == at


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
