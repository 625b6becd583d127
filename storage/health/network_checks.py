"""Issues of reading OONI's measurements: for days, no answer came from its API."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from storage.countries.measured_networks import NetworkReads
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind
from storage.model.text.countries import country_name
from storage.model.text.states import quoted

UNREAD_FOR: Final = timedelta(days=2)
"""Measurements are counted by day, and a failed read is made up for by the next."""
ASKED_WITHIN: Final = timedelta(hours=12)
"""A country that was not asked for in so long was taken out of the settings, or no process collects."""

_TO_DO: Final = (
    "Blockline tries again by itself every half hour. If this lasts, check that this machine can reach the "
    "address in the setting ooni_api."
)


def network_checks(found: Mapping[str, NetworkReads], now: datetime) -> list[Condition]:
    """Of each country whose measurements are read: whether they still are."""
    return [
        Condition(
            ConditionKey(ConditionKind.NETWORKS_UNREAD, place=country),
            reads.answered_at or reads.first_at,
            f"OONI's measurements from {country_name(country)} are not read",
            quoted(reads.failure),
            _TO_DO,
        )
        for country, reads in found.items()
        if reads.failure is not None
        and now - reads.last_at <= ASKED_WITHIN
        and now - (reads.answered_at or reads.first_at) > UNREAD_FOR
    ]


def network_ending(key: ConditionKey, found: Mapping[str, NetworkReads]) -> str | None:
    """The state when such an issue is over; None for any other issue."""
    if key.kind is not ConditionKind.NETWORKS_UNREAD:
        return None
    reads = found.get(key.place)
    if reads is not None and reads.failure is None:
        return f"OONI's measurements from {country_name(key.place)} are read again"
    return f"OONI's measurements from {country_name(key.place)} are no longer asked for"
