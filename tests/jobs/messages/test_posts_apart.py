"""Emails about accounts and posts: each kind has its own number, and neither is counted as the other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup, DigestDue, Flap
from jobs.alerting.replies import Reply, ReplyReason
from jobs.messages import digest_compose
from jobs.messages.compose import Letterhead, compose, compose_reply
from jobs.messages.digest_facts import (
    DigestContent,
    DigestCoverage,
    QuietCohorts,
    looked,
    parts_of,
)
from storage.model.alerts.alerts import AlertRow, AlertStage, Cohort, ListStatus, MailDraft
from storage.model.alerts.digest_period import RuleAccount
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, owed_to
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    T0,
    WITHHELD_IN,
    minutes,
)

DESK = "desk@example.org"
RULE = AlertRule((DESK,))
DAILY = replace(RULE, digest=Digest.DAILY)
HEAD = Letterhead("https://blockline.example.org/")
DAY = timedelta(days=1)
ANYTHING = Match()
STANDING = ListStatus(
    250, ((X, WITHHELD_IN, 3), (X, AVAILABLE, 247)), ListStatus(4, ((X, WITHHELD_IN, 2), (X, AVAILABLE, 1)))
)


def some(
    accounts: int,
    posts: int,
    new: State = WITHHELD_IN,
    old: State | None = AVAILABLE,
    first: int = 0,
    cohort: Cohort = ORDER,
) -> list[AlertRow]:
    """So many accounts and posts that changed alike."""
    changes = [a_change(first + n, new, old, is_post=n >= accounts) for n in range(accounts + posts)]
    return [an_alert(int(change.account_id), change, minutes(1), cohort) for change in changes]


def wave(alerts: Sequence[AlertRow], flaps: tuple[Flap, ...] = ()) -> AlertGroup:
    cohort = alerts[0].cohorts[0] if alerts[0].cohorts else None
    return AlertGroup(a_rule(RULE), (DESK,), cohort, tuple(alerts), flaps, minutes(2), None)


def mail_of(alerts: Sequence[AlertRow], standing: ListStatus | None = STANDING) -> MailDraft:
    return compose(wave(alerts), standing, HEAD, DESK)


def digest_of(
    alerts: Sequence[AlertRow], look: DigestCoverage, match: Match = ANYTHING, quiet: ListStatus | None = None
) -> MailDraft:
    due = DigestDue(a_rule(replace(DAILY, match=match)), (DESK,), T0, T0 + DAY, tuple(alerts))
    nothing_new = QuietCohorts(((REPORTERS, quiet),)) if quiet is not None else QuietCohorts()
    return digest_compose.compose(DigestContent(due, parts_of(due, DESK), look, nothing_new), HEAD, DESK)


def looked_at(*found: RuleAccount, asked: int = 0) -> DigestCoverage:
    platforms, states, late = looked(found, T0, T0 + DAY, 45 * MINUTE)
    return DigestCoverage(
        T0, T0 + DAY, 45 * MINUTE, platforms, states, blocked_late=late, asked=asked, answered=asked
    )


def seen(n: int, state: State = AVAILABLE, *, is_post: bool = False, last: float = 1439) -> RuleAccount:
    return RuleAccount(AccountId(n), X, T0, state, state.status.is_blocked, minutes(last), is_post)


def test_a_post_is_no_account_where_its_end_is_told() -> None:
    unresolved = [replace(a, stage=AlertStage.UNRESOLVED) for a in some(0, 2)]
    assert "Each post was no longer watched before" in mail_of(unresolved).text_body
    reply = Reply(
        a_rule(RULE), (DESK,), ORDER, tuple(some(0, 1)), frozenset({ReplyReason.MUTED}), minutes(9), ()
    )
    reply = replace(reply, alerts=tuple(replace(a, owed=owed_to()) for a in reply.alerts))
    assert "Alerts about this post are now muted." in compose_reply(reply, HEAD, DESK).text_body
    assert "The post: https://blockline.example.org/account/0\n" in mail_of(some(0, 1)).text_body


@pytest.mark.parametrize(
    ("look", "subject"),
    [
        (looked_at(seen(1), seen(2, is_post=True)), "No change confirmed in 1 account and 1 post"),
        (looked_at(seen(2, is_post=True)), "No change confirmed in 1 post"),
        (
            looked_at(seen(1, last=-9), seen(2, is_post=True)),
            "No change confirmed, but 1 of 2 accounts and posts (1 post) not read",
        ),
        (looked_at(seen(1, is_post=True, last=-9)), "Nothing known: none of 1 post was read"),
    ],
)
def test_a_digest_without_a_change_says_in_what_there_was_none(look: DigestCoverage, subject: str) -> None:
    assert digest_of([], look).subject == f"{subject} - daily digest, 2 Feb 2021"


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (STANDING, "3 of 250 watched accounts and 2 of 4 watched posts blocked"),
        (replace(STANDING, posts=None), "3 of 250 watched accounts blocked"),
        (ListStatus(0, (), STANDING.posts), "2 of 4 watched posts blocked"),
    ],
)
def test_a_quiet_list_has_a_number_of_each_kind(standing: ListStatus, said: str) -> None:
    text = digest_of([], looked_at(seen(1)), quiet=standing).text_body
    assert f"  List Reporters: {said}\n" in text
