"""Which countries an answer could speak of follows from the settings of its time."""

from collections.abc import Iterable

import pytest

from storage.model.core.country_scope import CountryScope, CountryScopes
from tests.support.samples.readings import minutes

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


def test_when_a_country_was_out_of_reach() -> None:
    assert list(SCOPES.gaps("BR")) == [(minutes(0), minutes(10)), (minutes(20), None)]
    assert list(SCOPES.gaps("TR")) == []
    assert [SCOPES.was_in_reach("BR", minutes(m)) for m in (-1, 5, 10, 25)] == [True, False, True, True]


def _countries(words: str) -> frozenset[str]:
    found: Iterable[str] = words.split()
    return frozenset(found)
