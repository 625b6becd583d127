"""What is told late because its account came under an order or list only later: it says so, and no more."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from jobs.messages.wave_content import late_words
from storage.model.alerts.alerts import AlertRow, AlertStage, Cohort, Joined
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, an_alert
from tests.support.samples.readings import T0, minutes


def joined(account: int, cohort: Cohort, minute: float, *, by_entry: bool = False) -> AlertRow:
    """A change that was confirmed at minute 1 of an account that came under the cohort at `minute`."""
    alert = an_alert(account, a_change(account), minutes(1), cohort)
    return replace(alert, joined={cohort.list_id: Joined(minutes(minute), by_entry)})


ENTERED = joined(1, ORDER, 24 * 60 + 30, by_entry=True)
BEFORE = joined(2, ORDER, 0)


@pytest.mark.parametrize(
    ("alerts", "cohort", "said"),
    [
        pytest.param(
            [ENTERED],
            ORDER,
            "Reported under order MeitY 2021-01-31 only now, because the order, which names the account, was "
            "entered "
            "on 2 Feb 2021, 00:30 UTC, after the change was seen",
            id="an order that was entered a day later",
        ),
        pytest.param(
            [ENTERED, joined(3, ORDER, 24 * 60 + 30, by_entry=True)],
            ORDER,
            "Reported under order MeitY 2021-01-31 only now, because the order, which names the accounts, "
            "was "
            "entered on 2 Feb 2021, 00:30 UTC, after the changes were seen",
            id="the same of several accounts",
        ),
        pytest.param(
            [ENTERED, BEFORE],
            ORDER,
            "1 account in this email is reported under order MeitY 2021-01-31 only now, because the order, "
            "which "
            "names the account, was entered on 2 Feb 2021, 00:30 UTC, after the change was seen",
            id="some were under it before",
        ),
        pytest.param(
            [joined(1, ORDER, 60), joined(2, ORDER, 90)],
            ORDER,
            "Reported under order MeitY 2021-01-31 only now, because the accounts were put under it, the "
            "last on "
            "1 Feb 2021, 01:30 UTC, after the changes were seen",
            id="accounts that were put under a known order one after the other",
        ),
        pytest.param(
            [joined(1, REPORTERS, 60)],
            REPORTERS,
            "Reported under list Reporters only now, because the account was put on it on 1 Feb 2021, 01:00 "
            "UTC, "
            "after the change was seen",
            id="a list",
        ),
        pytest.param([BEFORE], ORDER, None, id="it was under it before"),
        pytest.param([joined(1, ORDER, 1)], ORDER, None, id="it came under it in the same moment"),
        pytest.param([ENTERED], REPORTERS, None, id="it is told under another one"),
        pytest.param([ENTERED], None, None, id="it is told under none"),
        pytest.param([an_alert(1, a_change(1), T0, ORDER)], ORDER, None, id="nothing is known of it"),
        pytest.param(
            [replace(ENTERED, stage=AlertStage.WITHDRAWN)],
            ORDER,
            None,
            id="what is taken back is told to those who were told",
        ),
    ],
)
def test_a_change_says_why_it_is_told_late_only_when_the_stored_times_say_so(
    alerts: Sequence[AlertRow], cohort: Cohort | None, said: str | None
) -> None:
    assert late_words(alerts, cohort, "UTC") == said
