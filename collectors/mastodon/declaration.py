"""What Mastodon declares about itself. From its documentation, July 2026, and its source."""

import re
from collections.abc import Collection
from datetime import timedelta
from urllib.parse import SplitResult

from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, Status
from storage.model.core.signals import NotObservable, SignalKind
from storage.model.evidence.decisive import Decisive
from storage.model.platforms.declaration import (
    HOST,
    LONGEST_NAME,
    NamedAccount,
    PageAddress,
    PlatformDeclaration,
    PostTerms,
    RequestLimit,
    StateWording,
    Terms,
    Unknown,
)

MASTODON = Platform("mastodon")
PACE_S = 0.9
"""Requests per second to one server."""
POSTS_AT_ONCE = 20
"""DEFAULT_STATUSES_LIMIT of Mastodon: more ids are refused (documented)."""

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?"
_ACTOR = re.compile(rf"https?://{HOST}/(?!@)[!-\"$-~]+")
"""`https://host/@name` is the page of a profile and no actor URI."""
_POST_ID = r"(?=[A-Za-z]*[0-9])[0-9A-Za-z]{1,64}"
"""Numbers on Mastodon. `/@name/media` and `/@name/followers` are parts of a profile."""
_POST = re.compile(rf"https?://{HOST}/@{_NAME}/{_POST_ID}")
_POST_HANDLE = re.compile(rf"{_NAME}@{HOST}/{_POST_ID}")
_LOCAL_ID = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{1,64}")
"""Numbers on Mastodon; other software that speaks its API has longer ones. `#main-key` is none."""


class MastodonDeclaration(PlatformDeclaration):
    name = "Mastodon"
    id_example = "https://mastodon.social/users/Gargron#1"
    handle_example = "Gargron@mastodon.social"
    handle_form = re.compile(rf"{_NAME}@{HOST}")
    measured_domains = ("mastodon.social",)
    is_federated = True
    post_id_example = "https://mastodon.social/@Gargron/1"
    post_address = re.compile(
        r"https?://[^/]+/(?:@[^/?#]+|users/[^/?#]+/statuses)/([0-9]{1,24})((?:[?/#&].*)?)"
    )

    def is_native_id(self, text: str) -> bool:
        """The actor URI with the local id at its home server as fragment, or the page of a post there."""
        uri, _, local_id = text.partition("#")
        is_account = self.is_incomplete_id(uri) and _LOCAL_ID.fullmatch(local_id) is not None
        return is_account or self.is_post(text)

    def is_post(self, native_id: str) -> bool:
        return len(native_id) <= LONGEST_NAME and _POST.fullmatch(native_id) is not None

    def is_post_handle(self, text: str) -> bool:
        return len(text) <= LONGEST_NAME and _POST_HANDLE.fullmatch(text) is not None

    def is_incomplete_id(self, text: str) -> bool:
        """An actor URI, without the local id."""
        return len(text) <= LONGEST_NAME and _ACTOR.fullmatch(text) is not None

    def usual_handle(self, handle: str) -> str:
        """With the host in lower case."""
        name, _, host = handle.rpartition("@")
        return f"{name}@{host.lower()}"

    def named_on_page(self, page: PageAddress) -> NamedAccount | None:
        """`/@name`, `/@name@elsewhere` (another server's page about an account), `/users/name`; of a post
        `/@name/ID` and `/users/name/statuses/ID`. Another server has another id for a post.
        """
        first, second, kind, post = (*page.path, "", "", "")[:4]
        if first.startswith("@"):
            name, post = first.removeprefix("@"), second
        elif first == "users" and second:
            name, post = second, post if kind == "statuses" else ""
        else:
            return None
        name = self.usual_handle(name if "@" in name else f"{name}@{page.server}")
        if post.isdigit():
            handle = f"{name}/{post}"
            return NamedAccount(handle) if "@" not in first[1:] and self.is_post_handle(handle) else None
        return NamedAccount(name) if self.is_handle(name) else None

    def profile_address(self, native_id: str, handle: str) -> str | None:
        """The actor URI, which leads browsers to the profile. For a post, the address of its page."""
        return native_id.partition("#")[0]

    decisive = Decisive(
        frozenset(
            {"suspended", "limited", "memorial", "error", "error_description", "moved", "type", "reblog"}
        ),
        {"acct": "suspended"},
    )
    # It has no countries, and shows neither that an account is locked to strangers nor that its owner
    # switched it off (documented). Only accounts are suspended, with all their posts.
    statuses = frozenset({Status.AVAILABLE, Status.SUSPENDED, Status.NOT_FOUND})
    post_statuses = statuses
    suspension_may_be_deletion = True
    not_observable = (
        NotObservable(
            SignalKind.LIKE,
            "not observable",
            "Mastodon lists nobody's favourites; only who favourited a named post can be seen.",
        ),
        NotObservable(
            SignalKind.FOLLOW, "not collected", "Whom an executive on Mastodon follows is not collected."
        ),
    )

    terms = Terms(
        batch=40,
        cpu_s_per_request=0.0037,
        memory_per_account=2_200,
        limit=RequestLimit(
            300,
            timedelta(minutes=5),
            "an address at each server",
            "Mastodon's source, rack_attack.rb; a server may set its own",
        ),
        own_pace_s=PACE_S,
        posts=PostTerms(POSTS_AT_ONCE, note="Servers before Mastodon 4.3 are asked about each post alone."),
        asked_alone=3,
    )

    def counted_as(self, url: SplitResult) -> str:
        """By server; its API is counted apart from its pages."""
        return url.netloc + (" api" if url.path.startswith("/api/") else "")

    absent_words = "deleted or never existed, or its server is another one"
    missed_words = {MissedReason.ACCESS: "its server answers signed requests only"}
    address_settings = ("mastodon_origins",)
    unknown = (
        Unknown(
            "Why an account was suspended, and for how long: its server does not say.", flag=Flag.TEMPORARY
        ),
        Unknown(
            "Whether its server suspended an account or its owner deleted it: Mastodon does not say.",
            flag=Flag.SUSPENDED_OR_DELETED,
        ),
        Unknown(
            "Why it is not found: Mastodon does not say whether its owner deleted it, its server removed it "
            "or, if it is a post, it is not public.",
            Status.NOT_FOUND,
            unless=frozenset({Flag.WITH_AUTHOR}),
        ),
    )

    def suspended(self, flags: Collection[Flag] | None) -> StateWording:
        """A server answers alike for a permanent suspension and for a deletion (documented)."""
        if Flag.TEMPORARY in (flags or ()):
            return StateWording("suspended by its server")
        return StateWording(
            "suspended by its server or deleted by its owner", ": Mastodon does not say which"
        )

    def not_found(self, flags: Collection[Flag] | None) -> StateWording:
        return StateWording("not found", ": its server does not show it")

    def with_author(self, status: Status, said: StateWording, flags: Collection[Flag]) -> StateWording:
        """Only what a server says about the author explains why it does not show a post."""
        if status is Status.NOT_FOUND:
            return StateWording("gone with its author's account", ": its server knows neither")
        if Flag.TEMPORARY in flags:
            return StateWording("not shown, because its server suspended its author")
        words = "not shown, because its author was suspended or deleted the account"
        return StateWording(words, ": Mastodon does not say which")

    def no_answer(self, *, alone: bool) -> str:
        return "its server does not answer"


DECLARATION = MastodonDeclaration()
