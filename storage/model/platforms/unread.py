"""Sites that Blockline does not read, so that an address there is refused by name and nobody is asked."""

from collections.abc import Mapping
from types import MappingProxyType

_SITES = {
    "Facebook": ("facebook.com", "fb.com"),
    "Instagram": ("instagram.com",),
    "Medium": ("medium.com",),
    "Reddit": ("reddit.com",),
    "Telegram": ("t.me", "telegram.me"),
    "Threads": ("threads.com", "threads.net"),
    "TikTok": ("tiktok.com",),
    "VK": ("vk.com", "vk.ru"),
    "YouTube": ("youtube.com", "youtu.be"),
}
UNREAD: Mapping[str, str] = MappingProxyType({host: name for name, hosts in _SITES.items() for host in hosts})
"""Names of these sites, by host. Some of their addresses look like those of a federated platform."""


def unread_site(host: str) -> str | None:
    """The name of the site that a host belongs to; None if it may be on a platform that is read."""
    labels = host.lower().split(".")
    return next((UNREAD[one] for i in range(len(labels)) if (one := ".".join(labels[i:])) in UNREAD), None)
