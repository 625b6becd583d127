"""What X declares about itself. Documented at docs.x.com, as of August 2026, where nothing else is said."""

import re
from collections.abc import Collection, Sequence
from datetime import timedelta
from urllib.parse import SplitResult, parse_qs

from collectors.x.owner_notices import SENDERS, owner_notice
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, MissedReason, Status
from storage.model.core.signals import NotObservable, SignalKind
from storage.model.evidence.decisive import Decisive
from storage.model.platforms.declaration import (
    NamedAccount,
    OwnerNotice,
    PageAddress,
    PlatformDeclaration,
    PostTerms,
    Price,
    RequestLimit,
    StateWording,
    Terms,
    Unknown,
)

X = Platform("x")

SIMULATED_TOKEN = "simulated"  # noqa: S105 - of the simulator only

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_POST = "post:"
_POST_HANDLE = re.compile(rf"[A-Za-z0-9_]{{1,50}}/({_NUMBER.pattern})")
_NO_HANDLES = frozenset(
    {
        "compose",
        "explore",
        "hashtag",
        "home",
        "i",
        "intent",
        "login",
        "messages",
        "notifications",
        "privacy",
        "search",
        "settings",
        "share",
        "tos",
    }
)
"""First parts of addresses on x.com that are no handles."""


def post_id(number: str) -> str:
    """The native id of the post that X calls `number`."""
    return f"{_POST}{number}"


def post_of(native_id: str) -> str | None:
    """X's own id of a post; None for any other native id."""
    number = native_id.removeprefix(_POST)
    return number if number != native_id and _is_number(number) else None


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and int(text) < 2**63


def _post_on(path: Sequence[str]) -> str | None:
    """The handle of the post on a page; None if the page is not that of a post."""
    words = [word.lower() for word in path]
    if words[:2] == ["i", "web"]:
        path, words = ("i", *path[2:]), ["i", *words[2:]]
    if len(path) < 3 or words[1] not in {"status", "statuses"}:
        return None
    handle = f"{path[0]}/{path[2]}"
    return handle if DECLARATION.is_post_handle(handle) else None


class XDeclaration(PlatformDeclaration):
    name = "X"
    id_example = "783214"
    handle_example = "X"
    handle_form = re.compile(r"[A-Za-z0-9_]{1,50}")
    """More letters than X gives out today: X itself says what is too long."""
    sites = frozenset(
        f"{before}{host}" for host in ("x.com", "twitter.com") for before in ("", "www.", "mobile.")
    )
    measured_domains = ("x.com", "twitter.com")
    ids_name_the_platform = False
    handles_name_the_platform = False
    is_usual = True
    post_id_example = "post:20"
    post_address = re.compile(
        r"(?:https?://)?(?:www\.|mobile\.)?(?:x|twitter)\.com/(?:i/web|i|[A-Za-z0-9_]{1,50})"
        r"/status(?:es)?/([0-9]{1,19})((?:[?/#&].*)?)",
        re.IGNORECASE,
    )

    notice_senders = SENDERS

    def owner_notice(self, text: str) -> OwnerNotice | None:
        return owner_notice(text)

    def is_native_id(self, text: str) -> bool:
        """A number that fits into 64 bits, with `post:` before it for a post."""
        return _is_number(text) or self.is_post(text)

    def is_post(self, native_id: str) -> bool:
        return post_of(native_id) is not None

    def is_post_handle(self, text: str) -> bool:
        """`i/ID` where the author is not known, as in X's own addresses."""
        match = _POST_HANDLE.fullmatch(text)
        return match is not None and _is_number(match[1])

    def author_handle(self, handle: str) -> str:
        author = super().author_handle(handle)
        return "" if author == "i" else author

    def named_on_page(self, page: PageAddress) -> NamedAccount | None:
        """A profile, `/i/user/ID`, an address that follows somebody, or a post: `/name/status/ID`."""
        first, second, third = (*page.path, "", "")[:3]
        if (post := _post_on(page.path)) is not None:
            return NamedAccount(post)
        asked = parse_qs(page.query, max_num_fields=20) if (first, second) == ("intent", "user") else {}
        native_id = third if (first, second) == ("i", "user") else asked.get("user_id", [""])[0]
        if _is_number(native_id):
            return NamedAccount(native_id, is_id=True)
        handle = asked.get("screen_name", [first])[0].removeprefix("@")
        is_one = self.is_handle(handle) and handle.lower() not in _NO_HANDLES
        return NamedAccount(handle) if is_one else None

    def profile_address(self, native_id: str, handle: str) -> str | None:
        post = post_of(native_id)
        return f"https://x.com/i/user/{native_id}" if post is None else f"https://x.com/i/status/{post}"

    # X does not tell a suspended author of a post from a protected one (recalled).
    post_statuses = frozenset({Status.AVAILABLE, Status.WITHHELD, Status.NOT_FOUND})
    decisive = Decisive(
        frozenset({"withheld", "protected", "title", "detail"}),
        {"protected": "withheld", "author_id": "withheld"},
    )
    not_observable = (
        NotObservable(
            SignalKind.LIKE,
            "not observable since June 2024",
            "Likes on X are private since June 2024: the API shows them only to apps their owner authorised.",
        ),
    )

    terms = Terms(
        batch=100,
        cpu_s_per_request=0.0015,
        memory_per_account=800,
        limit=RequestLimit(
            300,
            timedelta(minutes=15),
            "an app",
            "X's documentation of rate limits, GET /2/users, as of August 2026",
        ),
        # A post is billed $0.005, and its author, who comes with it, as an account: "expanded objects bill
        # too" (X's guide to its MCP server, in github.com/cursor/plugins, third_party/x, August 2026).
        price=Price(
            0.010,
            "by X's documentation, which calls that a soft guarantee",
            "X's console",
            usd_per_post=0.015,
        ),
        posts=PostTerms(
            100,
            RequestLimit(
                3_500,
                timedelta(minutes=15),
                "an app",
                "X's documentation of rate limits, GET /2/tweets, as of August 2026",
            ),
        ),
        more_with="apps",
    )
    counts_by_key = True

    def counted_as(self, url: SplitResult) -> str:
        """By endpoint, whatever account it is about."""
        endpoint = url.path.partition("/2/")[2] or url.path
        return "/".join(":id" if word.isdigit() else word for word in endpoint.split("/"))

    absent_words = "deactivated, deleted, renamed or never existed"
    to_do = {
        MissedReason.AUTH: "Renew the bearer token in the developer console of X, set the setting "
        "x_bearer_token to it, and restart the command “blockline run”.",
        MissedReason.CREDITS: "Buy credits in the developer console of X, or watch fewer accounts. X bills "
        "each account once per day, however often it is read.",
        MissedReason.USAGE_CAPPED: "Raise the spending or usage cap in the developer console of X, or wait "
        "until its period ends. The cap is not a rate limit, so a shorter wait does not help.",
        MissedReason.ACCESS: "Check in the developer console of X that the app belongs to a project whose "
        "plan includes user lookup.",
    }
    address_settings = ("x_base_url",)
    unknown = (
        Unknown(
            "Who asked for an account to be withheld, and on what grounds: the platform names only "
            "countries.",
            Status.WITHHELD,
        ),
        Unknown("Why an account was suspended: the platform does not say.", Status.SUSPENDED),
        Unknown(
            "Whether the author of a post was suspended or protects the account: the platform does not say.",
            Status.NOT_FOUND,
            Flag.WITH_AUTHOR,
        ),
    )

    def not_found(self, flags: Collection[Flag] | None) -> StateWording:
        # `evidence verify` compares a pack's page with these words: change them with the pack's format.
        return StateWording("not found", ": X does not tell a deactivated account from a deleted one")

    def post_not_found(self, flags: Collection[Flag] | None) -> StateWording:
        """X answers alike for a deleted post and for one whose author's account is gone (recalled)."""
        return StateWording(
            "not found", ": X does not say whether the post was removed or its author's account is gone"
        )

    def with_author(self, status: Status, said: StateWording, flags: Collection[Flag]) -> StateWording:
        """X does not let strangers see a post, and does not say which state of its author's account is the
        reason (recalled).
        """
        if status is Status.NOT_FOUND:
            return StateWording(
                "not shown because of its author's account", ": suspended or protected, X does not say which"
            )
        return super().with_author(status, said, flags)


DECLARATION = XDeclaration()
