"""Trying the alert rules on the groups of an incident. What does it is handed in at the start."""

from typing import Protocol

from storage.model.alerts.group_explanation import GroupExplanation
from storage.postgres.pool import Conn


class IncidentExplainer(Protocol):
    """Says what the rules would do with past alerts. Nothing is written."""

    async def explain_incident(self, conn: Conn, story_key: str) -> GroupExplanation | None:
        """What each rule would do with the newest group of an incident; None if no group was sent."""
        ...
