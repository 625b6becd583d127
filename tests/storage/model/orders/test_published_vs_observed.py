"""Claimed against observed: what counts for a half-year, what may, and which sources disagree."""

from datetime import UTC, datetime

import pytest

from collectors.x.declaration import X
from dashboard.countries import published_words
from storage.model.core.accounts import AccountId
from storage.model.orders.half_years import HalfYear, HalfYearCoverage
from storage.model.orders.published_vs_observed import (
    Claimed,
    CountrySighting,
    HalfYearTally,
    ObservedFigures,
    code_of,
    codes_by_name,
    disagreements,
    observed_in,
    recorded_in,
)
from storage.model.orders.transparency_figures import TransparencyReport

FIRST, SECOND = HalfYear(2021, 1), HalfYear(2021, 2)


def day(month: int, number: int = 1, year: int = 2021) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


def report(source: str = "desk", period: str = "2021-H1", **figures: int | str | None) -> TransparencyReport:
    given: dict[str, object] = {
        "platform": X,
        "period": period,
        "country": "India",
        "source": source,
        "iso2": "IN",
        "court_orders": None,
        "other_legal_demands": None,
        "total_demands": None,
        "accounts_specified": None,
        "accounts_withheld": None,
        "tweets_withheld": None,
        "accounts_tos": None,
        "pct_some_withheld": None,
        "source_url": f"{source}:page",
        **figures,
    }
    return TransparencyReport(**given)  # pyright: ignore[reportArgumentType]


def seen(after: datetime | None, by: datetime, account: int = 1, source: str = "x") -> CountrySighting:
    return CountrySighting(AccountId(account), after, by, source)


def test_own_readings_and_records_of_others_are_never_one_number() -> None:
    found = [seen(day(2), day(3), 1), seen(day(2), day(3), 1, "import:b"), seen(None, day(4), 2, "import:a")]
    looked = HalfYearCoverage(day(1), day(6), 150, 181)
    own = observed_in(FIRST, (10, 4), looked, found, ())
    recorded = recorded_in(FIRST, found, ())

    assert own is not None
    assert recorded is not None
    assert (own.watched, own.named, own.withheld) == (10, 4, HalfYearTally(1, 1, 1, 0))
    assert (recorded.sources, recorded.withheld) == (("import:a", "import:b"), HalfYearTally(1, 2, 2, 1))


def test_without_a_reading_there_is_nothing_observed_and_no_zero() -> None:
    found = [seen(day(12, year=2020), day(8))]

    assert observed_in(FIRST, (10, 4), None, found, ()) is None
    assert recorded_in(FIRST, [seen(day(12, year=2020), day(8), source="import:a")], ()) is None


@pytest.mark.parametrize(
    ("reports", "differing"),
    [
        pytest.param([report("a", accounts_specified=47)], {}, id="one source"),
        pytest.param(
            [report("a", accounts_specified=47), report("b", accounts_specified=47)], {}, id="the same"
        ),
        pytest.param(
            [report("a", accounts_specified=50), report("b", accounts_specified=47)],
            {"accounts_specified": (47, 50)},
            id="two values",
        ),
        pytest.param(
            [report("a", accounts_tos=0), report("b")], {}, id="not reported is no other value than zero"
        ),
        pytest.param(
            [report("a", total_demands=40), report("b", court_orders=1, other_legal_demands=40)],
            {"demands": (40, 41)},
            id="demands: a total against its parts",
        ),
    ],
)
def test_sources_that_disagree_are_told_with_all_their_values(
    reports: list[TransparencyReport], differing: dict[str, tuple[int, ...]]
) -> None:
    found = Claimed(X, FIRST, tuple(reports), None, None)

    assert disagreements(found) == differing
    assert len(published_words.disagreement_lines(found)) == len(differing)


OFFICIAL = {"IN": "India", "GB": "Britain (UK)", "SE": "Sweden", "GE": "Georgia"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(report(), "IN", id="its code"),
        pytest.param(report(country="Anywhere", iso2="UK"), "GB", id="a code that stands for the official"),
        pytest.param(report(country="united kingdom", iso2=None), "GB", id="a name that a source gives one"),
        pytest.param(report(country="Sweden", iso2=None), "SE", id="an official name"),
        pytest.param(report(country="Georgia", iso2=None), None, id="a name that sources give two"),
        pytest.param(report(country="(world)", iso2=None), None, id="a total is no country"),
        pytest.param(report(country="Atlantis", iso2=None), None, id="a name that nobody gives a code"),
    ],
)
def test_a_line_is_about_the_country_of_its_code_or_of_its_name(
    given: TransparencyReport, code: str | None
) -> None:
    others = [
        report(country="United Kingdom", iso2="UK"),
        report(country="United Kingdom", iso2="GB"),
        report(country="Georgia", iso2="GE"),
        report(country="Georgia", iso2="US"),
    ]

    assert code_of(given, codes_by_name(others, OFFICIAL)) == code


def own(withheld: HalfYearTally, watched: int = 283, named: int = 257) -> ObservedFigures:
    return ObservedFigures(
        watched, named, HalfYearCoverage(day(1), day(6, 30), 180, 181), withheld, HalfYearTally(0, 0, 0, 0)
    )


@pytest.mark.parametrize(
    ("reports", "observed", "sentence"),
    [
        pytest.param(
            [report(accounts_specified=13_200, accounts_withheld=17)],
            own(HalfYearTally(12, 15, 14, 2)),
            "Watched: 283 accounts, 257 named by orders of India. The named accounts are at most 1.9 % of "
            "the "
            "13,200 specified.",
            id="a share with its denominator",
        ),
        pytest.param(
            [report("a", accounts_specified=1_000), report("b", accounts_specified=2_000)],
            own(HalfYearTally(0, 0, 0, 0)),
            "at most 26 % of the 1,000 specified or 13 % of the 2,000 specified.",
            id="two denominators where sources disagree",
        ),
        pytest.param(
            [report(accounts_specified=13_200)],
            own(HalfYearTally(0, 0, 0, 0), named=0),
            "no watched account is known to be among the 13,200 specified.",
            id="nobody of them is named by an order",
        ),
        pytest.param(
            [report(accounts_withheld=17)],
            own(HalfYearTally(0, 0, 0, 0)),
            "no source reports how many accounts demands specified.",
            id="no denominator",
        ),
        pytest.param(
            [report(accounts_specified=0)],
            own(HalfYearTally(0, 0, 0, 0)),
            "sources report that demands specified no accounts.",
            id="a denominator of zero has no share",
        ),
        pytest.param(
            [report(accounts_withheld=17)],
            own(HalfYearTally(12, 15, 14, 2)),
            "No more accounts were seen to become withheld than the 17 reported. This neither confirms nor "
            "refutes "
            "the figure. The observed figure is a lower bound for the watched accounts only, and says "
            "nothing "
            "about other accounts.",
            id="fewer seen are no contradiction",
        ),
        pytest.param(
            [report(accounts_withheld=17)],
            own(HalfYearTally(12, 20, 14, 8)),
            "The readings do not show whether more accounts became withheld than the 17 reported.",
            id="more at the most",
        ),
        pytest.param(
            [report("a", accounts_withheld=17), report("b", accounts_withheld=18)],
            own(HalfYearTally(19, 20, 19, 0)),
            "More accounts were seen to become withheld than the 18 reported. The platform may "
            "count them in another half-year or in another way, or leave them out.",
            id="more for certain, than any source",
        ),
        pytest.param(
            [report()],
            own(HalfYearTally(1, 1, 1, 0)),
            "No source reports how many accounts were withheld.",
            id="nothing to compare with",
        ),
        pytest.param(
            [report()],
            own(HalfYearTally(0, 2, 2, 2)),
            "2 were already withheld at the first reading; when that began is not known.",
            id="withheld at the first look",
        ),
        pytest.param(
            [report()],
            own(HalfYearTally(1, 1, 1, 0)),
            "Readings from 1 Jan 2021 to 30 Jun 2021, on 180 of 181 days (99.4 %).",
            id="coverage",
        ),
    ],
)
def test_what_was_observed_says_of_whom_it_speaks(
    reports: list[TransparencyReport], observed: ObservedFigures, sentence: str
) -> None:
    found = Claimed(X, FIRST, tuple(reports), observed, None)

    (told,) = published_words.observer_summaries(found, "IN")
    assert sentence in " ".join(told.lines)
