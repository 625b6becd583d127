"""What one answer is believed to say: of its control accounts, and of accounts that nobody vouches for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.judge import CanaryExpectation, Judge, TrackedAccount, facts_of, failed_canaries
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status, Strength
from storage.model.core.coverage import BatchOutcome
from storage.model.core.known_state import Known
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, minutes, reading

AT = minutes(3 * 24 * 60)
RULE = ConfirmationRule()
BOTH = State(Status.WITHHELD, ("BR", "IN"))


def control(name: str, expected: Status = Status.AVAILABLE, *, doubted: bool = False) -> CanaryExpectation:
    return CanaryExpectation(Account(AccountId(0), X, name, name), expected, doubted)


def answer(shown: Mapping[str, State], unheard: Collection[str] = ()) -> CollectorAnswer:
    return CollectorAnswer(
        tuple(reading(i, state, AT) for i, state in shown.items()),
        tuple(Missed(i, AT, MissedReason.NETWORK) for i in unheard),
        (),
    )


STABLE, OTHER, DOUBTED = control("a"), control("b"), control("d", doubted=True)
BLOCKED = control("s", Status.SUSPENDED)


@pytest.mark.parametrize(
    ("controls", "shown", "unheard", "failed"),
    [
        pytest.param([STABLE, BLOCKED], {"a": AVAILABLE, "s": SUSPENDED}, "", "", id="all look right"),
        pytest.param([STABLE, OTHER], {"a": AVAILABLE, "b": SUSPENDED}, "", "b", id="one looks wrong"),
        pytest.param([STABLE, OTHER], {"a": AVAILABLE}, "", "b", id="one is not in the answer"),
        pytest.param(
            [STABLE, DOUBTED], {"a": AVAILABLE, "d": SUSPENDED}, "", "", id="a doubted one does not count"
        ),
        pytest.param(
            [STABLE, DOUBTED], {"a": SUSPENDED, "d": SUSPENDED}, "", "ad", id="beside a wrong one it counts"
        ),
        pytest.param(
            [DOUBTED, BLOCKED], {"d": SUSPENDED, "s": SUSPENDED}, "", "d", id="nor is a blocked one enough"
        ),
        pytest.param(
            [DOUBTED, control("e", doubted=True)],
            {"d": SUSPENDED, "e": AVAILABLE},
            "",
            "d",
            id="nor another doubted one",
        ),
        pytest.param([STABLE, OTHER], {"a": AVAILABLE}, "b", "", id="one got no answer"),
        pytest.param([STABLE, OTHER], {}, "ab", "ab", id="none got an answer"),
    ],
)
def test_which_control_accounts_make_an_answer_quarantined(
    controls: Sequence[CanaryExpectation], shown: Mapping[str, State], unheard: str, failed: str
) -> None:
    found = failed_canaries(controls, answer(shown, list(unheard)))
    assert "".join(c.account.handle for c, _ in found) == failed


def watched(number: int, held_since: datetime | None = None) -> list[TrackedAccount]:
    known = Known(AVAILABLE, minutes(0), minutes(0))
    accounts = [Account(AccountId(n), X, str(n), f"h{n}") for n in range(number)]
    return [TrackedAccount(a, frozenset(), known, None, held_since=held_since) for a in accounts]


@pytest.mark.parametrize(
    ("held_since", "outcome"),
    [
        pytest.param(None, BatchOutcome.HELD, id="for the first time"),
        pytest.param(AT - timedelta(hours=23), BatchOutcome.HELD, id="for less than a day"),
        pytest.param(AT - timedelta(days=1), BatchOutcome.ANSWERED, id="for a day: no outage lasts longer"),
    ],
)
def test_if_all_accounts_vanish_without_a_control_account_answers_are_quarantined_for_a_day(
    held_since: datetime | None, outcome: BatchOutcome
) -> None:
    judge = Judge(RuleOfLists(RULE), RecentConfirmations(RULE.cohort_window))
    gone = answer({str(n): NOT_FOUND for n in range(6)})
    assert judge(gone, watched(6, held_since), [], AT, AT).outcome is outcome


def test_an_answer_that_does_not_report_a_country_keeps_its_known_state() -> None:
    (one,) = watched(1)
    one = replace(one, known=replace(one.known, state=BOTH))
    shown = reading("0", State(Status.WITHHELD, ("IN",)), AT)
    silent = CollectorAnswer((replace(shown, silent_on=frozenset({"BR"})),), (), ())
    judged = Judge(RuleOfLists(RULE), RecentConfirmations(RULE.cohort_window))(silent, [one], [], AT, AT)
    ((_, told, effect),) = judged.steps
    assert (told.state, effect.opened, judged.silent) == (BOTH, None, ("BR",))


GONE = State(Status.NOT_FOUND)


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        pytest.param({Flag.WITH_AUTHOR}, {Flag.WITH_AUTHOR, Flag.LIMITED}, id="the author is still gone"),
        pytest.param(set[Flag](), {Flag.LIMITED}, id="the author is back, and the post is not"),
    ],
)
def test_only_the_reading_itself_says_that_a_post_is_gone_with_its_author(
    flags: set[Flag], kept: set[Flag]
) -> None:
    before = frozenset({(Flag.WITH_AUTHOR, ""), (Flag.LIMITED, "")})
    reading = Reading("post:1", T0, GONE, Strength.WEAK, None, frozenset(flags))
    assert {flag for flag, _ in facts_of(before, reading)} == kept
