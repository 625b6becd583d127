"""The form of a re-evaluation: its first content, and the request read from it."""

from collections.abc import Iterable
from datetime import datetime

from dashboard.replay.reevaluation import ReevaluationRequest
from dashboard.ui.form_input import Filled, WrongInput, moment_in
from storage.model.alerts.rule_toml import to_toml
from storage.model.alerts.rules import StoredRule


def in_force(thresholds: str, rules: Iterable[StoredRule]) -> tuple[str, str]:
    """The thresholds and the alert rules in force, as TOML; together they are one file."""
    return thresholds, to_toml((s.rule, s.enabled) for s in rules)


def asked(given: Filled, thresholds: str, rules: str) -> ReevaluationRequest:
    """What a form asks for. `thresholds` and `rules` are those in force. Raises WrongInput."""
    since, until = _moment(given, "from", "From"), _moment(given, "to", "Until")
    if since is not None and until is not None and since >= until:
        raise WrongInput("Until must be later than From.")
    return ReevaluationRequest(
        since, until, given.text("list") or None, other(written(given), thresholds, rules)
    )


def written(given: Filled) -> str:
    """The rules as they were written, line by line."""
    return given.fields.get("rules", "")


def other(text: str, thresholds: str, rules: str) -> str | None:
    """The rules to evaluate with; None means those in force.

    If the alert rules were not edited and none was added, only the text before them is returned, so that
    those of each moment apply and every line keeps its number.
    """
    text = _plain(text)
    before = text.removesuffix(_plain(rules))
    if not any(line.replace(" ", "").startswith("[[rules]]") for line in before.split("\n")):
        text = before
    says = [line for line in text.split("\n") if line and not line.lstrip().startswith("#")]
    in_force = [line for line in _plain(thresholds).split("\n") if not line.startswith("#")]
    return None if not says or says == in_force else text


def _plain(text: str) -> str:
    """The text without the differences that browsers make to it."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).rstrip("\n")


def _moment(given: Filled, name: str, label: str) -> datetime | None:
    text = given.text(name)
    at = moment_in(text) if text else None
    if text and at is None:
        raise WrongInput(
            f"{label}: {text!r} is not a time. Enter it in UTC as 2021-02-11T08:00, or a day as 2021-02-11."
        )
    return at
