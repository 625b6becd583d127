"""Rules: read from a file and written back, what they match, and why one does not."""

import re
import string
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.alerting.matching import concerns, match_rules
from jobs.alerting.mismatch_reasons import RuleCondition, unmatched
from jobs.alerting.rules_file import FileRule, line_of, read_rules
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertStage
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rule_toml import rule_of, to_toml
from storage.model.alerts.rules import AlertRule, Digest, EscalationStep, Match, Mute, Severity
from storage.model.core.accounts import AccountId, Platform, TargetKind
from storage.model.core.availability import ChangeKind, State, Status
from storage.model.tables.csv_rows import TableError
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, owed_to
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAME = TEXT.filter(lambda t: len(t) >= 1 and t.isprintable())
PERSON = st.sampled_from(["desk@example.org", "apprise:newsroom", "webhook:desk", "o'neil+x@example.org"])
CLOCK = st.builds(time, st.integers(0, 23), st.integers(0, 59))
SPAN = st.sampled_from([timedelta(seconds=90), timedelta(minutes=10), timedelta(hours=6), timedelta(days=1)])
COUNTRY = st.text(string.ascii_uppercase, min_size=2, max_size=2)


@st.composite
def rules(draw: st.DrawFn) -> AlertRule:
    escalates = draw(st.booleans())
    begins, ends = draw(CLOCK), draw(CLOCK)
    return AlertRule(
        tuple(draw(st.lists(PERSON, max_size=3))),
        name=draw(NAME),
        match=Match(
            lists=draw(st.frozensets(TEXT, max_size=2)),
            orders=draw(st.frozensets(TEXT, max_size=2)),
            targets=draw(st.frozensets(st.sampled_from(TargetKind))),
            platforms=draw(st.frozensets(st.sampled_from(Platform))),
            countries=draw(st.frozensets(COUNTRY, max_size=2)),
            kinds=draw(st.frozensets(st.sampled_from(ChangeKind))),
            tags=draw(st.frozensets(TEXT, max_size=2)),
            min_followers=draw(st.none() | st.integers(0, 10**9)),
            executives=draw(st.booleans()),
            provisional=draw(st.booleans()),
        ),
        zone=draw(st.sampled_from(["UTC", "Asia/Kolkata"])),
        severity=draw(st.sampled_from(Severity)),
        quiet=None if begins == ends else draw(st.none() | st.just(QuietHours(begins, ends))),
        digest=draw(st.sampled_from(Digest)),
        digest_at=draw(CLOCK),
        remind_every=draw(st.none() | SPAN),
        escalation=(EscalationStep(timedelta(hours=2), (draw(PERSON),)),) if escalates else (),
        settle=draw(SPAN),
        update_after=draw(SPAN),
        flapping_changes=draw(st.integers(2, 100)),
        flapping_period=timedelta(days=draw(st.integers(1, 30))),
    )


@pytest.mark.slow
@given(st.lists(st.tuples(rules(), st.booleans()), min_size=1, max_size=4, unique_by=lambda r: r[0].name))
def test_written_rules_are_read_back_unchanged_with_the_line_of_each_table(
    written: list[tuple[AlertRule, bool]],
) -> None:
    text = to_toml(written)
    found = read_rules(text.encode(), "rules.toml")
    assert not found.problems
    assert [(r.rule, r.enabled) for r in found.rows] == written
    lines = text.split("\n")
    assert [lines[r.line - 1] for r in found.rows] == ["[[rules]]"] * len(written)


A_RULE = '[[rules]]\nname = "A"\nrecipients = ["desk@example.org"]\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(
            "", "f: the file contains no rule; write each rule as a table under a line [[rules]].", id="empty"
        ),
        pytest.param(
            "smtp_host = 'a'\n" + A_RULE,
            "f: the key smtp_host is not allowed; use only [[rules]].",
            id="other settings",
        ),
        pytest.param(
            "rules = [{name = 'A', recipients = []}]",
            "f: write each rule as a table under a line [[rules]].",
            id="rules that have no line of their own",
        ),
        pytest.param("rules = 1", "f: write each rule as a table under a line [[rules]].", id="a number"),
        pytest.param(
            A_RULE + "zone = UTC\n", "f, line 4: the file is not TOML: Invalid value.", id="not TOML"
        ),
        pytest.param(
            "a = " + "[" * 5000,
            "f: the file is not TOML: it contains brackets that are nested too deeply.",
            id="endless",
        ),
        pytest.param(
            "a" + ".a" * 1000 + " = 1",
            "f: a key has more than 20 parts with dots between them.",
            id="a key that would take minutes if it were longer",
        ),
        pytest.param(
            'a = {b = """x\n""", ' + '"x"." ".' * 500 + "x = 1}",
            "f: a key has more than 20 parts with dots between them.",
            id="such a key of strings",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(text: str, complaint: str) -> None:
    with pytest.raises(TableError) as refused:
        read_rules(text.encode(), "f")
    assert str(refused.value) == complaint


def test_a_file_that_is_not_text_is_refused_with_its_line() -> None:
    with pytest.raises(TableError, match=r"f, line 2: the file is not UTF-8 text\."):
        read_rules(b"#\n\xff", "f")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        pytest.param(
            "[[rules]]\nname = 'B'\n", "f, line 5: rule 'B': recipients is missing.", id="a key that lacks"
        ),
        pytest.param(
            "[[rules]]\nrecipients = []\n", "f, line 5: the rule: name is missing.", id="without a name"
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = ['nobody']\n",
            "f, line 7: rule 'B': 'nobody' is neither a plain mail address such as desk@example.org nor a "
            "channel such as apprise:newsroom or webhook:desk.",
            id="nobody who could be told",
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\nenabled = 'no'\n",
            "f, line 8: rule 'B': enabled: 'no' is neither true nor false.",
            id="half enabled",
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\nsettle = '999999d'\n",
            "f, line 8: rule 'B': settle must not be longer than a year.",
            id="a time that never comes",
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\ntags = [\"\\u0000\"]\n",
            "f, line 8: rule 'B': tags: '\\x00' contains a character that is not allowed.",
            id="what the database cannot hold",
        ),
        pytest.param(A_RULE, "f, line 5: rule 'A' is already on line 1; each name once.", id="twice"),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\nlists = ['''\n[[rules]]\n''']\n"
            "[[rules]]\nname = 'C'\nrecipients = 1\n",
            "f, line 13: rule 'C': recipients: 1 is not a list of texts.",
            id="a line that only looks like a table",
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\ntags = ['''\nzone = 1\n''']\n'zone' = 'India'\n",
            "f, line 11: rule 'B': 'India' is not a time zone; write it like Asia/Kolkata.",
            id="a line that only looks like the key",
        ),
        pytest.param(
            '[[rules]]\nname = "B"\nrecipients = [] # "\ntags = [ # [[\n"a]",\n'
            '"""\n\\"""\n[[rules]]\n""""",\n"[", \'[\',\n]\nzone = 1\n',
            "f, line 16: rule 'B': zone: 1 is not text.",
            id="brackets and quotes in strings and comments",
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\ncolour = 1\n",
            "f, line 8: rule 'B': colour is not a key of a rule; use name, recipients, zone, severity, "
            "quiet, digest, digest_at, remind_every, escalation, engagement, labels, networks, "
            "not_if_unreachable, settle, update_after, flapping_changes, flapping_period, lists, orders, "
            "targets, platforms, countries, kinds, tags, min_followers, executives, "
            "provisional.",
            id="a key that there is not",
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\nflapping_changes = 1\n",
            "f, line 8: rule 'B': flapping_changes must be from 2 to 100.",
            id="one change is no going back and forth",
        ),
        pytest.param(
            "[[rules]]\nname = 'B'\nrecipients = []\nflapping_period = '36h'\n",
            "f, line 8: rule 'B': flapping_period must be whole days from 1d to 30d.",
            id="emails say the period in days",
        ),
    ],
)
def test_an_invalid_rule_is_reported_with_the_line_of_the_wrong_key_or_its_table(
    more: str, complaint: str
) -> None:
    found = read_rules((A_RULE + "\n" + more).encode(), "f")
    assert [str(problem) for problem in found.problems] == [complaint]
    assert found.rows[0] == FileRule(1, AlertRule(("desk@example.org",), name="A"), enabled=True)


@pytest.mark.parametrize(
    ("number", "key", "line"),
    [
        pytest.param(0, "name", 3, id="in the first rule"),
        pytest.param(1, "zone", 8, id="in the second"),
        pytest.param(1, "quiet", 6, id="none of its own: that of another table is not taken"),
        pytest.param(1, None, 6, id="no key in particular"),
        pytest.param(2, "name", None, id="a rule that has no table of its own"),
    ],
)
def test_a_key_is_searched_for_in_its_own_rule_only(number: int, key: str | None, line: int | None) -> None:
    text = "port = 1\r\n[[rules]]\r\nname = 'A'\r\nzone = 'UTC'\n\n[[rules]]\nname = 'B'\nzone = 'UTC'\n"
    assert line_of(text + "[channels]\nquiet = 'json://x'\n", number, key) == line


DOCS = Path(__file__).parents[3] / "docs"
DOCUMENTED = (DOCS / "how-to/alerts.md").read_text() + (DOCS / "reference/decisions.md").read_text()


def test_the_example_in_the_documentation_is_a_file_of_rules() -> None:
    example = DOCUMENTED.split("```toml\n")[1].split("```")[0]
    found = read_rules(example.encode(), "docs/how-to/alerts.md")
    assert found.problems == ()
    assert [row.rule.name for row in found.rows] == [
        "Desk",
        "Large accounts in India",
        "Order of 31 January",
        "Weekly",
    ]


_RULE = 'name = "Desk"\nrecipients = ["desk@example.org"]\n'


@pytest.mark.parametrize(
    ("after", "hours"),
    [
        pytest.param("6h", 6, id="as it is"),
        pytest.param("5d", 72, id="the latest that a step can be, where it was never sent"),
    ],
)
def test_the_two_earlier_keys_are_read_as_one_step(after: str, hours: int) -> None:
    rule = rule_of(f'{_RULE}escalate_after = "{after}"\nescalate_to = ["editor@example.org"]\n')
    assert rule.escalation == (EscalationStep(timedelta(hours=hours), ("editor@example.org",)),)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            'escalate_after = "6h"',
            "instead of escalate_after, write escalation, such as "
            '[{ after = "6h", to = ["editor@example.org"] }]',
        ),
        (
            'escalate_after = "6h"\nescalate_to = ["a@b.org"]\nescalation = []',
            "escalate_after is the earlier way to write escalation; remove it",
        ),
        ('escalation = "6h"', "escalation: '6h' is not a list of steps such as "),
        ('escalation = [{ after = "6h" }]', "escalation: {'after': '6h'} is not a step such as "),
        ('escalation = [{ after = "soon", to = ["a@b.org"] }]', "escalation: 'soon' is not a duration"),
    ],
)
def test_a_wrong_escalation_is_refused_with_what_to_write(keys: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        rule_of(f"{_RULE}{keys}\n")


BLOCK = replace(
    an_alert(1, a_change(1), T0, ORDER, REPORTERS), tags=frozenset({"press", "farm"}), followers=900
)


def test_a_post_is_not_what_a_rule_about_accounts_asks_for() -> None:
    of_accounts = a_rule(AlertRule((), match=Match(targets=frozenset({TargetKind.ACCOUNTS}))))
    found = unmatched(an_alert(1, a_change(1, is_post=True), T0), of_accounts)
    assert found is not None
    assert found.words == "the rule is about accounts, and this is a post"


def test_a_disabled_rule_is_named_as_the_reason() -> None:
    found = unmatched(BLOCK, a_rule(AlertRule(()), enabled=False))
    assert found is not None
    assert found.condition is RuleCondition.ENABLED


SOME = st.frozensets(st.sampled_from(["a", "b"]), max_size=2)
STATES = st.sampled_from([AVAILABLE, SUSPENDED, WITHHELD_IN, State(Status.WITHHELD, ("IN", "TR"))])


@given(
    st.builds(
        Match,
        lists=st.frozensets(st.sampled_from(["Reporters", "Farmers"])),
        orders=st.frozensets(st.sampled_from(["MeitY 2021-01-31", "EX-9"])),
        targets=st.frozensets(st.sampled_from(TargetKind)),
        platforms=st.frozensets(st.sampled_from(Platform)),
        countries=st.frozensets(st.sampled_from(["IN", "TR"])),
        kinds=st.frozensets(st.sampled_from(ChangeKind)),
        tags=SOME,
        min_followers=st.none() | st.integers(0, 2),
        executives=st.booleans(),
        provisional=st.booleans(),
    ),
    st.builds(
        AlertRow,
        alert_id=st.just(1),
        created_at=st.just(T0),
        change=st.tuples(STATES, STATES, st.booleans()).map(lambda s: a_change(1, *s[:2], is_post=s[2])),
        cohorts=st.sampled_from([(), (ORDER,), (REPORTERS,), (ORDER, REPORTERS)]),
        stage=st.sampled_from(AlertStage),
        tags=SOME,
        followers=st.none() | st.integers(0, 2),
        is_executive=st.booleans(),
        owed=st.sampled_from([{}, owed_to(), owed_to(AlertStage.PROVISIONAL, 2)]),
    ),
)
def test_a_reason_is_given_exactly_if_the_rule_does_not_match(wanted: Match, alert: AlertRow) -> None:
    stored = a_rule(AlertRule(("desk@example.org",), match=wanted))
    assert (unmatched(alert, stored) is None) == concerns(alert, stored)


DESK = AlertRule(("desk@example.org",), name="desk")


def alert(new: State = WITHHELD_IN, old: State | None = AVAILABLE, **more: object) -> AlertRow:
    return replace(an_alert(1, a_change(1, new, old), minutes(5), ORDER, REPORTERS), **more)


def test_a_recipient_is_notified_by_the_first_rule_that_matches() -> None:
    both = AlertRule(("desk@example.org", "law@example.org"), name="both")
    found = match_rules(alert(), [a_rule(DESK), a_rule(both, 2), a_rule(replace(DESK, name="late"), 3)], [])
    assert [(c.recipients, c.silence) for c in found] == [
        (("desk@example.org",), None),
        (("law@example.org",), None),
        ((), AlertDecision.DUPLICATE),
    ]


def test_a_rule_without_recipients_says_so() -> None:
    assert [c.silence for c in match_rules(alert(), [a_rule(AlertRule(()))], [])] == [
        AlertDecision.NO_RECIPIENT
    ]


def mute(**more: object) -> Mute:
    return replace(Mute(7, None, None, T0, None, "", "desk"), **more)


@pytest.mark.parametrize(
    ("muted", "expected"),
    [
        pytest.param(mute(account_id=AccountId(1)), AlertDecision.MUTED, id="the account"),
        pytest.param(mute(account_id=AccountId(2)), None, id="another account"),
        pytest.param(mute(list_id=ORDER.list_id), AlertDecision.MUTED, id="a list that it is on"),
        pytest.param(mute(list_id=99), None, id="another list"),
        pytest.param(mute(), AlertDecision.MAINTENANCE, id="everything"),
        pytest.param(mute(until=minutes(6)), AlertDecision.MAINTENANCE, id="until after the change"),
        pytest.param(mute(until=minutes(5)), None, id="until the change"),
        pytest.param(mute(since=minutes(5)), AlertDecision.MAINTENANCE, id="from the change on"),
        pytest.param(mute(since=minutes(9)), None, id="what waited when the mute began is told"),
    ],
)
def test_a_mute_covers_alerts_recorded_while_it_runs(muted: Mute, expected: AlertDecision | None) -> None:
    (claim,) = match_rules(alert(), [a_rule(DESK)], [muted])
    assert (claim.silence, claim.mute_id) == (expected, 7 if expected else None)


def test_a_new_rule_does_not_match_alerts_that_others_handled_before() -> None:
    young = replace(a_rule(DESK, 2), active_since=minutes(9))
    assert match_rules(alert(held=frozenset({1})), [young], []) == []
    assert match_rules(alert(done=frozenset({1})), [young], []) == []
