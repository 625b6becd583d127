"""The form of an alert rule: its fields, and what a person filled in, read into a rule."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import available_timezones

from dash import html
from dash.development.base_component import Component

from dashboard.ui.inputs import (
    FieldFault,
    checks_field,
    clock_range_field,
    count_in,
    long_field,
    radio_field,
    text_field,
)
from storage.model.alerts.rule_codec import Table, duration_text, from_table, to_table
from storage.model.alerts.rule_toml import toml_of
from storage.model.alerts.rule_words import KIND_WORDS, LABEL_WORDS, rule_sentences
from storage.model.alerts.rules import AlertRule, Digest, RuleFault, Severity
from storage.model.core.accounts import Platform, TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.text.countries import official_names
from storage.model.text.states import PLATFORM_NAME, capital, clean

RULE_LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "recipients": "Recipients",
    "kinds": "Kinds of change",
    "targets": "Accounts or posts",
    "platforms": "Platforms",
    "lists": "Lists",
    "orders": "Orders",
    "countries": "Countries",
    "tags": "Tags",
    "min_followers": "Followers, at least",
    "executives": "Only accounts of executives",
    "provisional": "Also provisional changes, marked as such",
    "engagement": "Also engagements of executives with accounts that an order names",
    "labels": "Labels of country labelers",
    "networks": "Also networks that do not reach a platform for days",
    "not_if_unreachable": "Not while the platform is mostly unreachable from its countries",
    "severity": "Severity",
    "digest": "Digest",
    "digest_at": "Time of digests",
    "zone": "Time zone",
    "quiet": "Quiet hours",
    "remind_every": "Reminder every",
    "escalation": "Escalation",
    "settle": "Wait for more changes",
    "update_after": "First update after",
    "flapping_changes": "Changes that count as going back and forth",
    "flapping_period": "Back and forth within",
}
"""The keys of a rule as its form calls them, in its fields and in its errors."""

VALUES = (
    ("rule-name", "value"),
    ("rule-recipients", "value"),
    ("rule-kinds", "value"),
    ("rule-targets", "value"),
    ("rule-platforms", "value"),
    ("rule-lists", "value"),
    ("rule-orders", "value"),
    ("rule-countries", "value"),
    ("rule-tags", "value"),
    ("rule-followers", "value"),
    ("rule-more", "value"),
    ("rule-labels", "value"),
    ("rule-severity", "value"),
    ("rule-digest", "value"),
    ("rule-digest-at", "value"),
    ("rule-zone", "value"),
    ("rule-quiet-from", "value"),
    ("rule-quiet-to", "value"),
    ("rule-remind", "value"),
    ("rule-settle", "value"),
    ("rule-update", "value"),
    ("rule-flapping", "value"),
    ("rule-flapping-period", "value"),
    ("rule-escalation", "value"),
)
"""The component and the property of each value of the form, in the order of `RuleForm`."""

_MORE = ("executives", "provisional", "engagement", "networks", "not_if_unreachable")
_BESIDE_CHANGES = ("engagement", "networks")
"""Those of them that a rule can send alone, without a kind of change."""
_SEVERITIES = {
    Severity.INFO: "Info",
    Severity.WARNING: "Warning",
    Severity.CRITICAL: "Critical: quiet hours do not delay it",
}
_DIGESTS = {
    Digest.NONE: "None: urgent news at once",
    Digest.DAILY: "One per day",
    Digest.WEEKLY: "One per week, on Mondays",
}
_SENT = frozenset(ChangeKind) - {ChangeKind.BASELINE}
"""First states are never sent."""
_SPAN = "Such as 90s, 10m, 6h or 1d."
_KEY_FIRST = re.compile(r"(\w+)(: | must )")


@dataclass(frozen=True, slots=True)
class RuleChoices:
    """What rules can name."""

    lists: Sequence[str] = ()
    """Those in use."""
    orders: Sequence[str] = ()
    """References, newest first."""
    archived: Sequence[str] = ()
    """Archived lists: shown only where the rule names one."""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The form as it is filled in."""

    name: str | None = ""
    recipients: str | None = ""
    """One per line."""
    kinds: list[str] | None = None
    targets: list[str] | None = None
    platforms: list[str] | None = None
    lists: list[str] | None = None
    orders: list[str] | None = None
    countries: str | None = ""
    """Codes or English names, with commas between."""
    tags: str | None = ""
    """With commas between."""
    min_followers: str | None = ""
    more: list[str] | None = None
    """The keys of _MORE that are set."""
    labels: list[str] | None = None
    severity: str | None = None
    digest: str | None = None
    digest_at: str | None = ""
    zone: str | None = ""
    quiet_from: str | None = ""
    quiet_to: str | None = ""
    remind_every: str | None = ""
    settle: str | None = ""
    update_after: str | None = ""
    flapping_changes: str | None = ""
    flapping_period: str | None = ""
    escalation: str | None = ""
    """One step per line: how long after, and to whom."""

    @classmethod
    def of(cls, rule: AlertRule) -> "RuleForm":
        """Return the form that shows a rule. What is as by default is shown too."""
        table = to_table(rule)
        begins, _, ends = str(table.get("quiet", "")).partition("-")
        return cls(
            name=table["name"],
            recipients="\n".join(table["recipients"]),
            kinds=[k.value for k in ChangeKind if k in rule.match.kinds],
            targets=table.get("targets", []),
            platforms=table.get("platforms", []),
            lists=table.get("lists", []),
            orders=table.get("orders", []),
            countries=", ".join(table.get("countries", [])),
            tags=", ".join(table.get("tags", [])),
            min_followers=str(table.get("min_followers", "")),
            more=[key for key in _MORE if table.get(key)],
            labels=table.get("labels", []),
            severity=rule.severity.value,
            digest=rule.digest.value,
            digest_at=f"{rule.digest_at:%H:%M}",
            zone=rule.zone,
            quiet_from=begins,
            quiet_to=ends,
            remind_every=table.get("remind_every", ""),
            settle=duration_text(rule.settle),
            update_after=duration_text(rule.update_after),
            flapping_changes=str(rule.flapping_changes),
            flapping_period=duration_text(rule.flapping_period),
            escalation="\n".join(
                f"{duration_text(step.after)} {', '.join(step.to)}" for step in rule.escalation
            ),
        )

    def rule(self) -> AlertRule:
        """Return the rule that the form describes. Raises FieldFault, with the label of the field."""
        try:
            return from_table(self._table())
        except RuleFault as fault:
            raise FieldFault(labelled(fault)) from fault
        except ValueError as fault:
            raise FieldFault(f"{capital(str(fault)).rstrip('.')}.") from fault

    def _table(self) -> Table:
        if not (self.kinds or self.labels or any(key in _BESIDE_CHANGES for key in self.more or [])):
            raise FieldFault(f"{RULE_LABELS['kinds']}: choose at least one.")
        recipients = _lines(self.recipients)
        if not recipients:
            raise FieldFault(f"{RULE_LABELS['recipients']} is empty.")
        filled: dict[str, object] = {
            "targets": self.targets,
            "platforms": self.platforms,
            "lists": self.lists,
            "orders": self.orders,
            "countries": [_code(part) for part in _parts(self.countries)],
            "tags": _parts(self.tags),
            "severity": self.severity,
            "digest": self.digest,
            "digest_at": _line(self.digest_at),
            "zone": _line(self.zone),
            "quiet": self._quiet(),
            "remind_every": _line(self.remind_every),
            "settle": _line(self.settle),
            "update_after": _line(self.update_after),
            "flapping_changes": count_in(self.flapping_changes, RULE_LABELS["flapping_changes"]),
            "flapping_period": _line(self.flapping_period),
            **{key: True for key in self.more or [] if key in _MORE},
            "labels": self.labels,
            "escalation": [_step(line) for line in (self.escalation or "").splitlines() if line.strip()],
        }
        table: Table = {"name": _line(self.name), "recipients": recipients, "kinds": self.kinds or []}
        table |= {key: value for key, value in filled.items() if value or value == 0}
        followers = count_in(self.min_followers, RULE_LABELS["min_followers"])
        return table if followers is None else {**table, "min_followers": followers}

    def _quiet(self) -> str:
        begins, ends = _line(self.quiet_from), _line(self.quiet_to)
        if bool(begins) != bool(ends):
            raise FieldFault(f"{RULE_LABELS['quiet']}: set both the beginning and the end, or neither.")
        return f"{begins}-{ends}" if begins else ""


def sentences_of(form: RuleForm) -> str:
    """What the rule does, or why the form is not a rule yet."""
    try:
        return rule_sentences(form.rule())
    except FieldFault as fault:
        return f"Not a rule yet. {fault}"


def text_of(form: RuleForm) -> str | None:
    """The rule as TOML; None if the form is not a rule yet."""
    try:
        return toml_of(form.rule())
    except FieldFault:
        return None


def labelled(fault: RuleFault) -> str:
    """Return the sentence of a fault with the label of its field in place of its key."""
    label, said = RULE_LABELS.get(fault.key, fault.key), str(fault).rstrip(".")
    found = _KEY_FIRST.match(said)
    if found is not None and found[1] in RULE_LABELS:
        between = ": " if found[2] == ": " else " must "
        return f"{RULE_LABELS[found[1]]}{between}{said[found.end() :]}."
    return f"{label}: {said}."


def rule_fields(form: RuleForm, choices: RuleChoices, *, is_new: bool) -> list[Component]:
    """Return the fields of the form, filled in, in groups. A stored rule keeps its name."""
    return [
        _group("Name and recipients", _people_fields(form, is_new=is_new)),
        _group("Which changes", _match_fields(form, choices)),
        _group("When emails are sent", _manner_fields(form)),
        _group(
            "If nobody acknowledges or takes the incident",
            [
                long_field(
                    "rule-escalation",
                    RULE_LABELS["escalation"],
                    form.escalation or "",
                    "One step per line: how long after the newest email, and to whom, such as "
                    "6h editor@example.org, apprise:phones. Empty for none.",
                )
            ],
        ),
    ]


def _group(title: str, fields: Sequence[Component]) -> Component:
    return html.Div(
        [html.H3(title), html.Div(list(fields), className="order-fields")], className="rule-group"
    )


def _people_fields(form: RuleForm, *, is_new: bool) -> list[Component]:
    return [
        text_field(
            "rule-name",
            RULE_LABELS["name"],
            form.name or "",
            "No two rules have the same." if is_new else "The name of a stored rule stays.",
            readOnly=not is_new,
            maxLength=80,
        ),
        long_field(
            "rule-recipients",
            RULE_LABELS["recipients"],
            form.recipients or "",
            "One per line: an email address, apprise:NAME, webhook:NAME or pagerduty:NAME. "
            "The fields below can stay as they are.",
        ),
    ]


def _match_fields(form: RuleForm, choices: RuleChoices) -> list[Component]:
    more, kinds = {key: RULE_LABELS[key] for key in _MORE}, form.kinds or []
    return [
        checks_field(
            "rule-kinds",
            RULE_LABELS["kinds"],
            {k.value: capital(KIND_WORDS[k]) for k in ChangeKind if k in _SENT or k.value in kinds},
            kinds,
        ),
        checks_field(
            "rule-targets",
            RULE_LABELS["targets"],
            {t.value: capital(t) for t in TargetKind},
            form.targets or [],
            "None chosen: both.",
        ),
        checks_field(
            "rule-platforms",
            RULE_LABELS["platforms"],
            {p.value: PLATFORM_NAME[p] for p in Platform},
            form.platforms or [],
            "None chosen: all.",
        ),
        checks_field(
            "rule-lists",
            RULE_LABELS["lists"],
            _offered(choices.lists, form.lists or [], choices.archived),
            form.lists or [],
            "None chosen: all accounts.",
        ),
        checks_field(
            "rule-orders",
            RULE_LABELS["orders"],
            _offered(choices.orders, form.orders or []),
            form.orders or [],
            "Accounts that one of them names."
            if choices.orders or form.orders
            else "No order is stored yet.",
        ),
        text_field(
            "rule-countries",
            RULE_LABELS["countries"],
            form.countries or "",
            "Where an account is or was withheld: codes or names with commas between, such as IN, TR.",
        ),
        text_field(
            "rule-tags",
            RULE_LABELS["tags"],
            form.tags or "",
            "With commas between; accounts with one of them.",
        ),
        text_field(
            "rule-followers",
            RULE_LABELS["min_followers"],
            form.min_followers or "",
            "Accounts without a stored number do not match.",
            short=True,
            inputMode="numeric",
        ),
        checks_field("rule-more", "More conditions", more, form.more or []),
        checks_field(
            "rule-labels",
            RULE_LABELS["labels"],
            {step.value: f"The labeler {words}" for step, words in LABEL_WORDS.items()},
            form.labels or [],
            "Of the countries above, or of all; accounts and posts need not be watched.",
        ),
    ]


def _manner_fields(form: RuleForm) -> list[Component]:
    return [
        radio_field(
            "rule-severity",
            RULE_LABELS["severity"],
            {s.value: words for s, words in _SEVERITIES.items()},
            form.severity,
        ),
        radio_field(
            "rule-digest",
            RULE_LABELS["digest"],
            {d.value: words for d, words in _DIGESTS.items()},
            form.digest,
        ),
        text_field(
            "rule-digest-at",
            RULE_LABELS["digest_at"],
            form.digest_at or "",
            "Of catch-up digests too, such as 08:00.",
            short=True,
        ),
        html.Div(
            [
                text_field(
                    "rule-zone",
                    RULE_LABELS["zone"],
                    form.zone or "",
                    "Of the times on this page, such as Asia/Kolkata.",
                    list="rule-zones",
                ),
                html.Datalist(
                    [html.Option(value=zone) for zone in sorted(available_timezones())], id="rule-zones"
                ),
            ]
        ),
        clock_range_field(
            "rule-quiet",
            RULE_LABELS["quiet"],
            form.quiet_from or "",
            form.quiet_to or "",
            "Emails wait until they end. Leave both empty for none.",
        ),
        text_field("rule-remind", RULE_LABELS["remind_every"], form.remind_every or "", _SPAN, short=True),
        text_field(
            "rule-settle",
            RULE_LABELS["settle"],
            form.settle or "",
            "An email goes out when nothing joined it for so long, such as 500ms.",
            short=True,
        ),
        text_field(
            "rule-update",
            RULE_LABELS["update_after"],
            form.update_after or "",
            "The second update waits four times longer.",
            short=True,
        ),
        text_field(
            "rule-flapping",
            RULE_LABELS["flapping_changes"],
            form.flapping_changes or "",
            "One email says that the account goes back and forth. Its further changes are not emailed.",
            short=True,
            inputMode="numeric",
        ),
        text_field(
            "rule-flapping-period",
            RULE_LABELS["flapping_period"],
            form.flapping_period or "",
            "Whole days, such as 7d: also how long further changes are not emailed.",
            short=True,
        ),
    ]


def _step(line: str) -> dict[str, object]:
    """A step of the escalation, from its line: the time to the first space, the rest are recipients."""
    after, _, to = line.strip().partition(" ")
    return {"after": after, "to": _lines(to.replace(" ", ","))}


def _offered(known: Sequence[str], chosen: Sequence[str], archived: Sequence[str] = ()) -> dict[str, str]:
    """What can be chosen: what the rule names that is not in use any more or not stored, and all in use."""
    absent = {
        name: f"{clean(name, 80)} ({'archived' if name in archived else 'not stored'})"
        for name in chosen
        if name not in known
    }
    return absent | {name: clean(name, 80) for name in known}


def _code(country: str) -> str:
    """The code of a country, given by its code or its English name; another text as it is."""
    named = {name.casefold(): code for code, name in official_names().items()}
    return named.get(country.casefold(), country.upper() if len(country) == 2 else country)


def _parts(text: str | None) -> list[str]:
    """What stands between commas."""
    return [" ".join(part.split()) for part in (text or "").split(",") if part.strip()]


def _lines(text: str | None) -> list[str]:
    """What stands on the lines of a field, or between commas."""
    return [part for line in (text or "").replace(",", "\n").splitlines() if (part := line.strip())]


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
