"""How a mail names the channel that it goes to: `apprise:NAME`, `webhook:NAME` or `pagerduty:NAME`, with NAME
as in the settings.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

from jobs.delivery.sender import DeliveryFault, Undeliverable
from storage.model.alerts.alerts import Mail
from storage.model.text.states import clean

APPRISE: Final = "apprise"
WEBHOOK: Final = "webhook"
PAGERDUTY: Final = "pagerduty"
PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
"""Where PagerDuty takes events, outside its EU region."""

T = TypeVar("T")


def kind_of(mail: Mail) -> str:
    """What stands before the colon of its recipient; empty for mail addresses, which hold none."""
    if len(mail.recipients) != 1:
        return ""
    kind, colon, _ = mail.recipients[0].partition(":")
    return kind if colon else ""


def addressed(mail: Mail, channels: Mapping[str, T]) -> tuple[str, T]:
    """Name and entry of the channel that a mail goes to. Raises Undeliverable when it is not there."""
    name = mail.recipients[0].partition(":")[2]
    channel = channels.get(name)
    if channel is None:
        raise unknown(mail)
    return name, channel


def unknown(mail: Mail) -> Undeliverable:
    """The settings may get the channel back, so it waits."""
    return Undeliverable(
        f"{clean(mail.recipients[0])} names no channel in the settings, so this alert waits: define it, or "
        "take it out of the recipients.",
        permanent=False,
        fault=DeliveryFault.SETTINGS,
    )
