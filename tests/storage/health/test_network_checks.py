"""When operators hear that OONI does not answer, and what they hear once it does."""

from datetime import timedelta

import pytest

from storage.countries.measured_networks import NetworkReads
from storage.health.network_checks import network_checks, network_ending
from storage.model.alerts.conditions import ConditionKey, ConditionKind
from tests.support.samples.readings import T0

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
KEY = ConditionKey(ConditionKind.NETWORKS_UNREAD, place="TR")


def reads(
    failure: str | None, last: timedelta, answered: timedelta | None, first: timedelta = 9 * DAY
) -> NetworkReads:
    return NetworkReads(T0 - first, T0 - last, failure, None if answered is None else T0 - answered, None)


@pytest.mark.parametrize(
    ("found", "since"),
    [
        pytest.param(reads("HTTP 502", HOUR, 3 * DAY), 3 * DAY, id="no answer for days"),
        pytest.param(reads("HTTP 502", HOUR, None), 9 * DAY, id="never an answer"),
        pytest.param(reads("HTTP 502", HOUR, DAY), None, id="an answer a day ago"),
        pytest.param(reads("HTTP 502", HOUR, None, DAY), None, id="asked for since yesterday"),
        pytest.param(reads(None, HOUR, HOUR), None, id="it is read"),
        pytest.param(reads("HTTP 502", 2 * DAY, 3 * DAY), None, id="it is no longer asked for"),
    ],
)
def test_a_country_that_is_asked_for_in_vain_is_an_issue(
    found: NetworkReads, since: timedelta | None
) -> None:
    issues = network_checks({"TR": found}, T0)
    assert [(one.key, T0 - one.since) for one in issues] == ([] if since is None else [(KEY, since)])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param({"TR": reads(None, HOUR, HOUR)}, "are read again", id="an answer came"),
        pytest.param(
            {"TR": reads("HTTP 502", 2 * DAY, 3 * DAY)}, "no longer asked for", id="left the settings"
        ),
        pytest.param({}, "no longer asked for", id="nothing is stored of it"),
    ],
)
def test_the_end_says_why_it_is_over(found: dict[str, NetworkReads], said: str) -> None:
    assert said in (network_ending(KEY, found) or "")
