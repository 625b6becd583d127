"""Sites that Blockline does not read, so that an address there is refused by name and nobody is asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnreadSite:
    """A site of which no account can be watched."""

    name: str
    hosts: tuple[str, ...]
    """Some addresses there look like those of a federated platform."""
    shows: str
    """What it shows of its accounts, and to whom: a sentence."""
    why: str
    """Why Blockline does not read it: a clause."""
    source: str
    """Where it says so, as of November 2026."""


_META = (
    "Public posts and profiles, to approved researchers of not-for-profit institutions, in Meta's own "
    "research environment.",
    "its interface is for approved researchers only",
    "developers.facebook.com/docs/content-library-and-api, Get access",
)
UNREAD = (
    UnreadSite("Facebook", ("facebook.com", "fb.com"), *_META),
    UnreadSite("Instagram", ("instagram.com",), *_META),
    UnreadSite("Medium", ("medium.com",), "Not looked into.", "it has no collector yet", "–"),
    UnreadSite(
        "Reddit",
        ("reddit.com",),
        "Public posts and profiles, to registered apps.",
        "it has no collector yet",
        "Reddit's announcement of 31 May 2023: 100 requests a minute for an app",
    ),
    UnreadSite(
        "Telegram",
        ("t.me", "telegram.me"),
        "Public channels, to the apps of its users. A restriction names kinds of apps and a reason, and no "
        "country.",
        "it answers only the apps of its own users",
        "core.telegram.org/constructor/restrictionReason",
    ),
    UnreadSite("Threads", ("threads.com", "threads.net"), *_META),
    UnreadSite(
        "TikTok",
        ("tiktok.com",),
        "Public profiles and videos, to approved researchers of not-for-profit institutions in the US and "
        "Europe.",
        "its interface is for approved researchers only",
        "developers.tiktok.com/doc/research-api-faq",
    ),
    UnreadSite(
        "VK",
        ("vk.com", "vk.ru"),
        "Profiles, to registered apps; whether one is deleted or banned.",
        "it has no collector yet",
        "VK's schema of users.get, field deactivated",
    ),
    UnreadSite(
        "YouTube",
        ("youtube.com", "youtu.be"),
        "Channels and videos, to registered apps; in which countries a video is blocked, though not by whom.",
        "it has no collector yet",
        "developers.google.com/youtube/v3/docs/videos, contentDetails.regionRestriction",
    ),
)
_BY_HOST = {host: site for site in UNREAD for host in site.hosts}


def unread_site(host: str) -> UnreadSite | None:
    """The site that a host belongs to; None if it may be on a platform that is read."""
    labels = host.lower().split(".")
    hosts = (".".join(labels[i:]) for i in range(len(labels)))
    return next((_BY_HOST[one] for one in hosts if one in _BY_HOST), None)
