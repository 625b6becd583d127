"""Sends alerts to chats and pagers through the library Apprise. Its errors stop here.

Apprise tells only whether a service took a message, and writes the rest, addresses included, to its log.
So its log is off, and no sentence says more than that. It keeps nothing on disk and loads no plugins but
its own.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat
from apprise.conversion import convert_between  # pyright: ignore[reportUnknownVariableType]

from jobs.delivery.channel_address import addressed
from jobs.delivery.sender import DeliveryFault, Undeliverable
from storage.model.alerts.alerts import Mail

_DELIVERY_LIMIT_S: Final = 60.0
_TALKATIVE: Final = ("apprise", "urllib3")
"""Loggers that write addresses down, and with them tokens."""
_JOINT: Final = 24
"""Room for what a service puts between a title and a text that it counts together."""
_CALL: Final = re.compile(r"(?<=[@!<])(?=[\w@!])")
REST_ELSEWHERE: Final = "… The dashboard has the rest."


class AppriseSender:
    """Sends to the services of the settings, by name."""

    def __init__(self, addresses: Mapping[str, str], timeout_s: float = _DELIVERY_LIMIT_S) -> None:
        self._services = {name: service(address) for name, address in addresses.items()}
        self._timeout_s = timeout_s

    async def send(self, mail: Mail) -> None:
        """Return once the service took the text of the mail. Raises Undeliverable, always temporary."""
        name, found = addressed(mail, self._services)
        title, body = fitted(found, mail.subject, mail.text_body)
        sending = Apprise()
        sending.add(found)  # pyright: ignore[reportUnknownMemberType]
        try:
            async with asyncio.timeout(self._timeout_s):
                taken = await sending.async_notify(body=body, title=title, body_format=NotifyFormat.TEXT)
        except TimeoutError:
            raise Undeliverable(
                f"Channel {name} did not answer in time.", permanent=False, fault=DeliveryFault.SERVER
            ) from None
        except Exception:  # noqa: BLE001 - a hundred services, each with libraries of its own
            taken = False
        if not taken:
            raise Undeliverable(
                f"Channel {name} did not accept the alert, and Apprise gives no reason. Check the address of "
                "the channel and whether its service can be reached.",
                permanent=False,
            )

    async def close(self) -> None:
        """Nothing is kept open."""


def service(address: str) -> NotifyBase:
    """The service that an address of Apprise names, bound to that address. Raises ValueError without it."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    asset = AppriseAsset(
        app_id="Blockline",
        app_desc="Blockline",
        app_url="",
        image_url_mask="",  # otherwise every message makes its readers fetch a picture from a third party
        image_url_logo="",
        storage_mode="memory",
        pgp_autogen=False,
        pem_autogen=False,
        interpret_emojis=False,
        http_redirects=False,
    )
    found = Apprise.instantiate(address, asset=asset)  # pyright: ignore[reportUnknownMemberType]
    if found is None:
        raise ValueError("Apprise does not support this kind of address")
    # What an address may ask for and a queue cannot have: success that was none, attempts of its own,
    # another host.
    found.optional = False
    found.retry = 0
    found.redirects = False
    if found.notify_format is NotifyFormat.MARKDOWN:
        found.notify_format = NotifyFormat.TEXT  # an underscore in a handle is no emphasis
    return found


def fitted(found: NotifyBase, title: str, text: str) -> tuple[str, str]:
    """Title and text as a service takes them: cut at the end of a line, with a sentence that says so.

    No name in it calls a member of the chat who has the same.
    """

    def size(part: str) -> int:
        return len(in_its_form(found, part))

    title, text = _CALL.sub("\u2060", title), _CALL.sub("\u2060", text.rstrip())
    together = found.title_maxlen <= 0 or found.overflow_amalgamate_title
    room = found.body_maxlen - (_JOINT if together else 0)
    if found.title_maxlen > 0:
        title = _shortened(title, found.title_maxlen, size)
    if together:
        title = _shortened(title, room - size(REST_ELSEWHERE), size)
        room -= size(title)
    return title, _cut(text, room, found.body_max_line_count or len(text) + 2, size)


def in_its_form(found: NotifyBase, text: str) -> str:
    """Plain text as Apprise hands it to a service, which counts it so: some take HTML."""
    return cast("str", convert_between(NotifyFormat.TEXT, found.notify_format, text))


def _shortened(title: str, room: int, size: Callable[[str], int]) -> str:
    if size(title) <= room:
        return title
    while title and size(f"{title}…") > room:
        title = title[:-1]
    return f"{title.rstrip()}…"


def _cut(text: str, room: int, lines_allowed: int, size: Callable[[str], int]) -> str:
    """As many whole lines as fit beside a title of one line."""
    lines = text.split("\n")
    if size(text) <= room and len(lines) < lines_allowed:
        return text
    most = min(len(lines) - 1, max(0, lines_allowed - 2))
    while most and size("\n".join((*lines[:most], REST_ELSEWHERE))) > room:
        most -= 1
    return "\n".join((*lines[:most], REST_ELSEWHERE))
