"""Opens incidents at PagerDuty, and ends them when readings show every account back or somebody closed them.

Source: PagerDuty, "Send an Alert Event" of the Events API v2 (developer.pagerduty.com): `dedup_key` says
which incident an event belongs to, an event about one that is open is added to it, and the end of one that is
not open is ignored.
"""

import json
from collections.abc import Mapping
from typing import Final

from jobs.base.clock import Clock
from jobs.delivery.channel_address import addressed
from jobs.delivery.http_post import HttpPost, PostTarget
from storage.model.alerts.alerts import Mail, MailKind

_SUMMARY_LENGTH: Final = 1024
"""Characters. PagerDuty cuts a longer one."""
_DETAILS_LENGTH: Final = 100_000
"""Characters of the text. PagerDuty refuses an event above 512 KB."""
_CUT: Final = "\n… The dashboard has the rest."


class PagerDutySender:
    """Sends to the services whose integration keys are in the settings, by name."""

    def __init__(
        self, keys: Mapping[str, str], url: str, clock: Clock, source: str, timeout_s: float = 20.0
    ) -> None:
        """`source` is the address of the dashboard: it says which installation sends."""
        self._keys = keys
        self._url = url
        self._clock = clock
        self._source = source
        self._http = HttpPost(timeout_s)

    async def send(self, mail: Mail) -> None:
        """Return once PagerDuty accepted the event. Raises Undeliverable."""
        name, key = addressed(mail, self._keys)
        body = json.dumps({"routing_key": key} | event(mail, self._source)).encode()
        target = PostTarget(f"PagerDuty service {name}", self._url, (key,))
        await self._http.send(target, body, {"Content-Type": "application/json"}, self._clock())

    async def close(self) -> None:
        await self._http.close()


def event(mail: Mail, source: str) -> dict[str, object]:
    """What PagerDuty is sent of a mail, without the key. All about one incident has one `dedup_key`."""
    of_incident = {"dedup_key": mail.story_key or mail.message_id.strip("<>")}
    if mail.kind is MailKind.END:
        return {"event_action": "resolve", **of_incident}
    text = mail.text_body.rstrip()
    if len(text) > _DETAILS_LENGTH:
        text = text[:_DETAILS_LENGTH].rpartition("\n")[0] + _CUT
    return {
        "event_action": "trigger",
        **of_incident,
        "payload": {
            "summary": mail.subject[:_SUMMARY_LENGTH],
            "source": source,
            "severity": "critical" if mail.urgent else "warning",
            "timestamp": mail.created_at.isoformat(),
            "custom_details": {"text": text},
        },
        "client": "Blockline",
        "client_url": source,
    }
