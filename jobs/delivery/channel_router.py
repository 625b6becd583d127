"""Which of the senders a mail goes to."""

from collections.abc import Mapping

from jobs.base.clock import Clock
from jobs.delivery.apprise import AppriseSender
from jobs.delivery.channel_address import APPRISE, PAGERDUTY, WEBHOOK, kind_of, unknown
from jobs.delivery.channel_config import Channels
from jobs.delivery.pagerduty import PagerDutySender
from jobs.delivery.sender import NO_SERVER, DeliveryFault, Sender, Undeliverable
from jobs.delivery.webhook import WebhookSender
from storage.model.alerts.alerts import Mail


class ChannelRouter:
    """Sends each mail by its recipient: a mail address, or a channel."""

    def __init__(self, smtp: Sender | None, channels: Mapping[str, Sender]) -> None:
        self._smtp = smtp
        self._channels = channels
        """By what stands before the colon of a recipient."""

    async def send(self, mail: Mail) -> None:
        """Return once it was accepted. Raises Undeliverable."""
        kind = kind_of(mail)
        if kind:
            channel = self._channels.get(kind)
            if channel is None:
                raise unknown(mail)
            await channel.send(mail)
        elif self._smtp is None:
            raise Undeliverable(NO_SERVER, permanent=False, fault=DeliveryFault.SETTINGS)
        else:
            await self._smtp.send(mail)

    async def close(self) -> None:
        for sender in (self._smtp, *self._channels.values()):
            if sender is not None:
                await sender.close()


def channel_router(smtp: Sender | None, channels: Channels, clock: Clock, source: str) -> ChannelRouter:
    """The sender of an installation with the dashboard at `source`. Without `smtp`, emails wait."""
    return ChannelRouter(
        smtp,
        {
            APPRISE: AppriseSender(channels.services),
            WEBHOOK: WebhookSender(channels.webhooks, clock, source),
            PAGERDUTY: PagerDutySender(channels.pagers, channels.pagerduty_url, clock, source),
        },
    )
