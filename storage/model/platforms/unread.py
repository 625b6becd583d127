"""Sites that Blockline does not read, so that an address there is refused by name and its host is not asked.

What they show was looked up in November 2026 in stored copies of the pages named, whose own dates are not
known.
"""

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
    """Where that was found."""

    @property
    def refusal(self) -> str:
        """The end of a sentence about an address there."""
        return f"of {self.name}, which Blockline does not read: {self.why}."


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
        "Its Data API answers registered apps, with 100 requests per minute.",
        "it has no collector yet",
        "Reddit's announcement of 31 May 2023 in r/modnews",
    ),
    UnreadSite(
        "Telegram",
        ("t.me", "telegram.me"),
        "A restriction of a channel names kinds of apps and a reason; the page mentions no country.",
        "it has no collector yet",
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
        "Whether a profile is deleted or blocked.",
        "it has no collector yet",
        "reference of the library vk-io, UsersUserMin.deactivated",
    ),
)
_BY_HOST = {host: site for site in UNREAD for host in site.hosts}


def unread_site(host: str) -> UnreadSite | None:
    """The site that a host belongs to; None if it may be on a platform that is read."""
    return next((_BY_HOST[one] for one in with_parents(host) if one in _BY_HOST), None)


def with_parents(host: str) -> list[str]:
    """The host in lower case, and the domains above it: a.b.org, b.org, org."""
    labels = host.lower().split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]
