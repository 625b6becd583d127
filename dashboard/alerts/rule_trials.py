"""Trying a rule on what is stored: the process that does it is handed in when the dashboard starts."""

from datetime import datetime
from typing import Protocol

from dashboard.asgi.incident_explainer import IncidentExplainer
from storage.model.alerts.alerts import MailDraft
from storage.model.alerts.rule_preview import RulePreview
from storage.model.alerts.rules import AlertRule


class RuleTrialFailed(Exception):
    """The trial gave no result. The message says why, in one sentence."""


class RuleTrials(IncidentExplainer, Protocol):
    """Tries rules on what is stored. Nothing is written."""

    async def preview(self, rule: AlertRule, since: datetime, until: datetime) -> RulePreview:
        """What the rule would have sent in that period. Raises RuleTrialFailed. May be cancelled."""
        ...

    async def test_email(self, rule: AlertRule, to: str, now: datetime) -> MailDraft:
        """The email to `to` that the newest matching changes would cause, marked as a test.

        Raises RuleTrialFailed, also if no stored change matches.
        """
        ...
