"""Posts alerts to webhooks, signed."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from jobs.base.clock import Clock
from jobs.delivery.channel_address import addressed
from jobs.delivery.channel_config import Webhook, key_of
from jobs.delivery.http_post import HttpPost, PostTarget
from jobs.delivery.sender import Undeliverable
from storage.model.alerts.alerts import Mail

EVENT_TYPE: Final = "blockline.alert.v1"
"""The type of every message as a CloudEvent."""


class WebhookSender:
    """Posts to the webhooks of the settings, by name."""

    def __init__(
        self, webhooks: Mapping[str, Webhook], clock: Clock, source: str, timeout_s: float = 20.0
    ) -> None:
        """`source` is the address of the dashboard: it says which installation sends."""
        self._webhooks = webhooks
        self._clock = clock
        self._source = source
        self._http = HttpPost(timeout_s)

    async def send(self, mail: Mail) -> None:
        """Return once the receiver accepted the payload of the mail. Raises Undeliverable."""
        name, webhook = addressed(mail, self._webhooks)
        if mail.payload is None:
            raise Undeliverable(
                f"This message cannot be sent to webhook {name}, because it has no webhook payload.",
                permanent=True,
            )
        body = mail.payload.encode()
        now = self._clock()
        head = headers(mail.message_id, webhook.secrets, now, body, self._source)
        await self._http.send(PostTarget(f"Webhook {name}", webhook.url, webhook.secrets), body, head, now)

    async def close(self) -> None:
        await self._http.close()


def headers(
    message_id: str, secrets: Sequence[str], at: datetime, body: bytes, source: str
) -> dict[str, str]:
    """The headers of one attempt: a repeat has the same id, its own time, and so its own signatures.

    They are those of Standard Webhooks 1.0 and of CloudEvents 1.0 in binary mode, and until the next release
    those of before.
    """
    message, timestamp = message_id.strip("<>"), int(at.timestamp())
    signatures = [key_of(secret).sign(message, at.astimezone(UTC), body.decode()) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
        "ce-specversion": "1.0",
        "ce-id": message,
        "ce-source": source,
        "ce-type": EVENT_TYPE,
        "Blockline-Id": message,
        "Blockline-Timestamp": str(timestamp),
        "Blockline-Signature": ",".join(f"v1={signature(secret, timestamp, body)}" for secret in secrets),
    }


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The signature of before: HMAC-SHA256 as hex, over the timestamp in digits, a full stop and the body."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
