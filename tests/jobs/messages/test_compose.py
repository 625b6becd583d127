"""What a mail says, and the bytes that go out."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as parsing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.alerting.policy import AlertGroup, NotificationHistory, decide
from jobs.messages.compose import Letterhead, compose, message
from jobs.messages.wave_content import late_words
from jobs.messages.webhook_payload import payload
from storage.model.alerts.alerts import (
    AlertRow,
    AlertStage,
    Cohort,
    Joined,
    ListStatus,
    Mail,
    MailDraft,
    MailState,
)
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import ListId
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, past
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    minutes,
)

DESK = "desk@example.org"
RULE = AlertRule((DESK,), zone="Asia/Kolkata")
HEAD = Letterhead("https://blockline.example.org/")


def wave_of(alerts: Sequence[AlertRow]) -> AlertGroup:
    """What these alerts are told in, as the first mail of a story; the last of it if there are several."""
    rules, history = [a_rule(RULE)], NotificationHistory([past(a) for a in alerts])
    found = decide(alerts, rules, [], history, T0 + timedelta(days=90))
    parts = [*found.waves, *(part for due in found.digests for part in due.parts)]
    return replace(max(parts, key=lambda w: w.closed_at), story=None)


def mail_of(
    alerts: Sequence[AlertRow], standing: ListStatus | None = None, head: Letterhead = HEAD
) -> MailDraft:
    return compose(wave_of(alerts), standing, head, DESK)


def stored(draft: MailDraft) -> Mail:
    return Mail(
        mail_id=1,
        message_id=draft.message_id,
        recipients=(draft.recipient,),
        subject=draft.subject,
        text_body=draft.text_body,
        html_body=draft.html_body,
        created_at=minutes(5),
        state=MailState.QUEUED,
        attempts=1,
        next_attempt_at=None,
        sent_at=None,
        last_error=None,
    )


@pytest.mark.parametrize(
    ("alert", "line"),
    [
        (an_alert(1, a_change(1), T0, ORDER), "Who asked for an account to be withheld"),
        (an_alert(1, a_change(1, SUSPENDED), T0, ORDER), "Why an account was suspended"),
        (an_alert(1, a_change(1, NOT_FOUND), T0, ORDER), "its owner or the platform"),
        (an_alert(1, a_change(1, AVAILABLE, SUSPENDED), T0, ORDER), "Who brought an account back"),
        (an_alert(1, a_change(1, left_censored=True), T0, ORDER), "How long before the first reading"),
        (an_alert(1, a_change(1), T0, ORDER), "That the order is the cause"),
        (an_alert(1, a_change(1), T0), "not in this email are unaffected"),
    ],
)
def test_a_mail_says_what_is_not_known_and_not_claimed(alert: AlertRow, line: str) -> None:
    draft = mail_of([alert], ListStatus(1, ()))
    assert line in draft.text_body
    assert line in draft.html_body


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


@given(handle=st.text(), name=st.text())
def test_no_handle_and_no_list_name_breaks_a_mail(handle: str, name: str) -> None:
    hostile = Cohort(ListId(9), name + '\r\nBcc: x@y.org\r\n\r\n<script onload="x">', None)
    change = a_change(1, handle=handle + "<img src=x onerror=y>")
    draft = mail_of([an_alert(1, change, T0, hostile)], ListStatus(1, ()))
    raw = message(stored(draft), "alerts@example.org").as_bytes()
    parsed = message_from_bytes(raw, _class=EmailMessage, policy=parsing)
    assert set(parsed.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    html = parsed.get_body(("html",))
    assert html is not None
    tags = _Tags()
    tags.feed(html.get_content())
    assert not tags.seen & {"script", "img"}


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


SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent.parent.parent / "docs/reference/webhook.schema.json").read_text()
)
_TYPES: Mapping[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_UNDERSTOOD = {
    *("$schema", "$defs", "title", "description", "format"),
    *("$ref", "anyOf", "type", "const", "enum", "pattern", "required", "properties", "additionalProperties"),
    "items",
}


def faults(value: Any, schema: Mapping[str, Any], at: str = "$") -> list[str]:
    """Where a value is not what the part of JSON Schema that our schema uses asks for."""
    assert set(schema) <= _UNDERSTOOD
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "anyOf" in schema:
        tried = [faults(value, one, at) for one in schema["anyOf"]]
        return [] if [] in tried else tried[-1]
    found: list[str] = []
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if type(value) not in {_TYPES[kind] for kind in kinds}:
            return [f"{at}: {value!r} is no {kinds}"]
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{at}: {value!r} is not allowed")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} is not of the form")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) == set(known)
        members = cast("dict[str, Any]", value)
        found += [f"{at}: {name} is missing or not known" for name in known.keys() ^ members]
        for name in known.keys() & members:
            found += faults(members[name], known[name], f"{at}.{name}")
    if isinstance(value, list):
        for n, item in enumerate(cast("list[Any]", value)):
            found += faults(item, schema["items"], f"{at}[{n}]")
    return found


def told(wave: AlertGroup, standing: ListStatus | None = None, **other: Any) -> str:
    facts: dict[str, Any] = {
        "message_id": "<1@blockline.invalid>",
        "headline": "2 accounts withheld in India (IN)",
        "synthetic": False,
        "url": "http://127.0.0.1:8050",
    }
    return payload(wave, standing, **(facts | other))
