"""Which countries an answer could speak of follows from the settings of its time."""

from collections.abc import Iterable

import pytest

from storage.model.core.country_scope import EVERY_COUNTRY, CountryScope, CountryScopes
from tests.support.samples.readings import minutes

TR, BOTH = frozenset({"TR"}), frozenset({"BR", "TR"})
SCOPES = CountryScopes(
    (CountryScope(minutes(0), TR), CountryScope(minutes(10), BOTH), CountryScope(minutes(20), TR))
)


@pytest.mark.parametrize(
    ("scopes", "minute", "lacking", "gained"),
    [
        pytest.param(EVERY_COUNTRY, 5, "", "", id="a platform without scopes speaks of all countries"),
        pytest.param(SCOPES, -1, "", "", id="before the first scope nothing is known to be lacking"),
        pytest.param(SCOPES, 9.9, "BR", "", id="a country that came later was lacking"),
        pytest.param(SCOPES, 10, "", "", id="a scope holds from its first moment on"),
        pytest.param(SCOPES, 20, "BR", "", id="a country that was taken out is lacking since"),
        pytest.param(
            CountryScopes(SCOPES.scopes[:2]), 9.9, "BR", "BR", id="a country that was added was gained"
        ),
    ],
)
def test_what_an_answer_could_not_speak_of(
    scopes: CountryScopes, minute: float, lacking: str, gained: str
) -> None:
    assert scopes.lacking(minutes(minute)) == _countries(lacking)
    assert scopes.gained_since(minutes(minute)) == _countries(gained)


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


def test_when_a_country_was_out_of_reach() -> None:
    assert list(SCOPES.gaps("BR")) == [(minutes(0), minutes(10)), (minutes(20), None)]
    assert list(SCOPES.gaps("TR")) == []
    assert [SCOPES.was_in_reach("BR", minutes(m)) for m in (-1, 5, 10, 25)] == [True, False, True, True]


def _countries(words: str) -> frozenset[str]:
    found: Iterable[str] = words.split()
    return frozenset(found)
