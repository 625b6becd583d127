"""What a webhook is told: the published schema holds for it, and it says no more than was seen."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.alerting.policy import AlertGroup, Flap
from jobs.messages.webhook_payload import note, payload
from storage.model.alerts.alerts import AlertRow, AlertStage, ListStatus, MailKind
from storage.model.alerts.rules import AlertRule, Severity
from storage.model.core.availability import Flag
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, blocked, past
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent.parent.parent / "docs/reference/webhook.schema.json").read_text()
)
INDIA = AlertRule(("webhook:desk",), name="India")
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


def a_wave(*alerts: AlertRow, cohort: Any = ORDER, flaps: tuple[Flap, ...] = ()) -> AlertGroup:
    return AlertGroup(a_rule(INDIA), INDIA.recipients, cohort, alerts, flaps, alerts[-1].created_at, None)


def told(wave: AlertGroup, standing: ListStatus | None = None, **other: Any) -> str:
    facts: dict[str, Any] = {
        "message_id": "<1@blockline.invalid>",
        "headline": "2 accounts withheld in India (IN)",
        "synthetic": False,
        "url": "http://127.0.0.1:8050",
    }
    return payload(wave, standing, **(facts | other))


def flapping() -> AlertGroup:
    alerts = [
        an_alert(n, a_change(1, new, old, at=minutes(n)), minutes(n + 1), REPORTERS)
        for n, (old, new) in enumerate([(AVAILABLE, SUSPENDED), (SUSPENDED, AVAILABLE)] * 2)
    ]
    flap = Flap(alerts[-1], tuple(past(a) for a in alerts))
    return a_wave(alerts[-1], *blocked(1, minutes(9), first=7), cohort=REPORTERS, flaps=(flap,))


def in_words() -> str:
    return note(
        kind=MailKind.DIGEST,
        message_id="<1@blockline.invalid>",
        headline="Nothing changed",
        text="Nothing changed.",
        rule="India",
        severity=Severity.INFO,
        as_of=T0,
        synthetic=False,
        url=None,
    )


def with_posts() -> AlertGroup:
    return a_wave(*blocked(3), *(an_alert(n, a_change(n, is_post=True), minutes(1)) for n in (7, 8)))


OF_BOTH = ListStatus(3, ((X, WITHHELD_IN, 3),), ListStatus(5, ((X, NOT_FOUND, 3), (X, WITHHELD_IN, 2))))
STANDING = ListStatus(257, ((X, WITHHELD_IN, 250), (X, AVAILABLE, 7)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(told(a_wave(*blocked(257)), STANDING), id="a mass block under an order"),
        pytest.param(told(a_wave(*blocked(1), cohort=REPORTERS), ListStatus(0, ())), id="a list"),
        pytest.param(told(a_wave(*blocked(1), cohort=None)), id="an account on no list"),
        pytest.param(told(with_posts(), OF_BOTH), id="accounts and posts"),
        pytest.param(in_words(), id="a digest, in words"),
        pytest.param(told(flapping()), id="an account that goes back and forth"),
        pytest.param(
            told(
                a_wave(
                    an_alert(1, a_change(1, NOT_FOUND, None, left_censored=True), minutes(1.5)),
                    an_alert(
                        2,
                        replace(
                            a_change(2, SUSPENDED, platform=MASTODON, handle="a\u202e\ud800@b.example"),
                            flags=frozenset({Flag.SUSPENDED_OR_DELETED, Flag.LIMITED}),
                        ),
                        minutes(2),
                    ),
                ),
                synthetic=True,
                url=None,
            ),
            id="a state that nobody saw before, and a hostile handle",
        ),
    ],
)
def test_the_published_schema_holds_for_every_payload(text: str) -> None:
    assert text.isascii()
    assert faults(json.loads(text), SCHEMA) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("version",), "blockline.alert/2", id="another version"),
        pytest.param(("changes", 0, "new", "status"), "blocked", id="a status that is none"),
        pytest.param(("changes", 0, "readings"), True, id="a number that is none"),
        pytest.param(("changes", 0, "last_seen_old"), "2021-02-01 00:00", id="a time in another form"),
        pytest.param(("cohort", "order", "secret"), "x", id="more than is published"),
    ],
)
def test_the_check_of_the_schema_finds_what_does_not_fit(path: Sequence[str | int], value: object) -> None:
    whole = json.loads(told(a_wave(*blocked(2)), STANDING))
    assert faults(whole, SCHEMA) == []
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert len(faults(whole, SCHEMA)) == 1


def test_a_change_is_told_with_both_ends_of_its_interval_and_its_evidence() -> None:
    change = replace(a_change(at=minutes(20), readings=3), flags=frozenset({Flag.PROTECTED}))
    whole = json.loads(told(a_wave(an_alert(1, change, minutes(21)))))
    assert whole["changes"] == [
        {
            "change": change.change_key,
            "stage": "confirmed",
            "platform": "x",
            "handle": "account_0001",
            "is_post": False,
            "kind": "block",
            "old": {"status": "available", "withheld_in": []},
            "new": {"status": "withheld", "withheld_in": ["IN"]},
            "flags": ["protected"],
            "strength": "strong",
            "readings": 3,
            "last_seen_old": "2021-02-01T00:05:00Z",
            "first_seen_new": "2021-02-01T00:20:00Z",
            "flapping": False,
        }
    ]


def test_accounts_and_posts_are_counted_apart() -> None:
    whole = json.loads(told(with_posts(), OF_BOTH))
    assert [(c["handle"], c["is_post"]) for c in whole["changes"][2:4]] == [
        ("account_0002", False),
        ("author/7", True),
    ]
    assert whole["counts"] == [{"words": "withheld in India (IN)", "accounts": 3, "posts": 2}]
    standing = whole["cohort"]["standing"]
    assert (standing["watched_accounts"], standing["watched_posts"]) == (3, 5)
    assert [(s["state"]["status"], s["accounts"], s["posts"]) for s in standing["states"]] == [
        ("withheld", 3, 2),
        ("not_found", 0, 3),
    ]


def test_what_nobody_saw_is_null() -> None:
    change = a_change(1, SUSPENDED, None, left_censored=True)
    whole = json.loads(told(a_wave(an_alert(1, change, minutes(1)), cohort=None), url=None))
    (only,) = whole["changes"]
    assert (only["old"], only["last_seen_old"], whole["cohort"], whole["links"]["dashboard"]) == (None,) * 4


def test_a_cohort_is_told_with_its_order_and_every_denominator() -> None:
    cohort = json.loads(told(a_wave(*blocked(3)), STANDING))["cohort"]
    assert cohort["order"] == {
        "reference": "MeitY 2021-01-31",
        "country": "IN",
        "issued_at": "2021-01-31T12:00:00Z",
        "named_accounts": 257,
    }
    assert cohort["standing"]["watched_accounts"] == 257
    assert [s["accounts"] for s in cohort["standing"]["states"]] == [250, 7]
    assert json.loads(told(a_wave(*blocked(3))))["cohort"]["standing"] is None


def test_accounts_are_counted_by_what_became_of_them_and_flapping_ones_apart() -> None:
    many = [*blocked(3), an_alert(9, a_change(9, SUSPENDED), minutes(1), ORDER)]
    whole = json.loads(told(a_wave(*many)))
    assert [(c["words"], c["accounts"]) for c in whole["counts"]] == [
        ("withheld in India (IN)", 3),
        ("suspended", 1),
    ]
    apart = json.loads(told(flapping()))
    assert [c["accounts"] for c in apart["counts"]] == [1]
    assert apart["flapping_accounts"] == 1
    assert [c["flapping"] for c in apart["changes"]] == [True, False]


@pytest.mark.parametrize("stage", AlertStage)
def test_a_provisional_change_is_never_told_as_a_confirmed_one(stage: AlertStage) -> None:
    (alert,) = blocked(1)
    (change,) = json.loads(told(a_wave(replace(alert, stage=stage))))["changes"]
    assert change["stage"] == stage.value


def test_the_same_wave_makes_the_same_bytes_whatever_zone_its_times_are_in() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    change = a_change(at=T0 + timedelta(microseconds=1))
    there = replace(
        change,
        first_seen_new=change.first_seen_new.astimezone(india),
        flags=frozenset([Flag.HOST, Flag.DELETED]),
    )
    here = replace(change, flags=frozenset([Flag.DELETED, Flag.HOST]))
    texts = {
        told(a_wave(an_alert(1, here, minutes(1)))),
        told(a_wave(an_alert(1, there, minutes(1).astimezone(india)))),
    }
    assert len(texts) == 1
    assert '"first_seen_new":"2021-02-01T00:00:00.000001Z"' in texts.pop()
