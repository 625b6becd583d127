"""What Bluesky declares about itself. From its documentation and the source of atproto, August 2026."""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, quote, unquote

from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, Status
from storage.model.evidence.decisive import Decisive
from storage.model.platforms.declaration import (
    DOMAIN,
    LONGEST_NAME,
    NamedAccount,
    OwnerNotice,
    PageAddress,
    PlatformDeclaration,
    StateWording,
    Terms,
    Unknown,
)

BLUESKY = Platform("bluesky")
PACE_S = 5.0
"""Requests per second to one host: an assumption, because no limit is documented."""

_DID = re.compile(rf"did:(?:plc:[a-z2-7]{{24}}|web:{DOMAIN}(?:%3A[0-9]{{1,5}})?)")
RECORD_KEY = r"(?!\.{1,2}\Z)[A-Za-z0-9._~:-]{1,512}"
"""Regular expression of a record's key where a text ends with it: not `.` and not `..` (documented:
atproto.com/specs/record-key).
"""
_POST = re.compile(rf"at://({_DID.pattern})/app\.bsky\.feed\.post/({RECORD_KEY})")
_POST_HANDLE = re.compile(rf"(?:{DOMAIN}|{_DID.pattern})/{RECORD_KEY}")
_APP_ONLY = "taken down in the Bluesky app only"
_NOTICE = re.compile(
    rf"A Bluesky account you control \(@?(?P<handle>{DOMAIN})\)|"
    rf"Bluesky Moderation Notice We are contacting you regarding your account: (?P<named>{DOMAIN})"
)
"""From the templates of its moderators (documented: components/email/templates of bluesky-social/ozone)."""
_OWN_RULES = "our Community Guidelines"
_TAKEN_DOWN = re.compile(r"\bwe(?: have|['’]ve) (?:taken down|suspended) your account\b")
"""Recalled by analogy. The same notice is sent for a post that it does not name ("we have taken down your
post", documented: 404media.co, February 2025) and for a label ("we’ve applied a label for impersonation on
your account", documented: the templates), and then says nothing about why an account is blocked.
"""
_ASKED = re.compile(
    r"received a formal request from (?P<who>.{2,160}?) regarding the removal of your "
    rf"(?:account|content|post)[^(]{{0,80}}\(@?(?P<handle>{DOMAIN})\)"
)
"""From an email that the owner of a withheld account published in April 2025 (documented: bsky.app, post
3lmuz3nr62k26 of ssg.dev).
"""
_LOCAL_LAW = re.compile(r"violates local laws in (?P<country>[^.,]{2,60})")
_RESTRICTED = re.compile(r"we have restricted access to your (account\b)?")


def post_of(native_id: str) -> tuple[str, str] | None:
    """The author's DID and the record's key of a post; None if `native_id` is that of an account."""
    match = _POST.fullmatch(native_id) if len(native_id) <= LONGEST_NAME else None
    return None if match is None else (match[1], match[2])


def repo_of(native_id: str) -> str:
    """The DID of the repository of an account, or of the one that a post is in: that of its author."""
    post = post_of(native_id)
    return native_id if post is None else post[0]


class BlueskyDeclaration(PlatformDeclaration):
    name = "Bluesky"
    id_example = "did:plc:z72i7hdynmk6r22z27h6tvur"
    handle_example = "bsky.app"
    handle_form = re.compile(DOMAIN)
    sites = frozenset({"bsky.app", "www.bsky.app"})
    measured_domains = ("bsky.app",)
    label_setting = "bluesky_collect_labels"
    id_may_stand_for_handle = True
    post_id_example = "at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l"
    post_address = re.compile(
        r"(?:https?://(?:www\.)?bsky\.app/profile/[^/?#]+/post|at://[^/]+/app\.bsky\.feed\.post)"
        r"/([A-Za-z0-9._~:-]{1,64})((?:[?/#&].*)?)"
    )

    notice_senders = frozenset({"bsky.app", "blueskyweb.xyz"})

    def owner_notice(self, text: str) -> OwnerNotice | None:
        """That it was restricted because an authority asked, or taken down for breaking the guidelines. None
        for a notice about a label or about a post, which does not name the post.
        """
        asked = _ASKED.search(text)
        if asked is not None:
            law, restricted = _LOCAL_LAW.search(text), _RESTRICTED.search(text)
            if restricted is not None and restricted[1] is None:
                return None
            return OwnerNotice(
                asked["handle"],
                was_done=restricted is not None,
                country="" if law is None else law["country"],
                requested_by=asked["who"],
            )
        found = _NOTICE.search(text)
        if found is None or _OWN_RULES not in text or _TAKEN_DOWN.search(text) is None:
            return None
        return OwnerNotice(found["handle"] or found["named"], own_rules=True)

    def is_native_id(self, text: str) -> bool:
        """A DID of the methods plc and web, or the at-uri of a post with the DID of its author."""
        return _DID.fullmatch(text) is not None or self.is_post(text)

    def is_post(self, native_id: str) -> bool:
        return post_of(native_id) is not None

    def is_post_handle(self, text: str) -> bool:
        """With the DID of the author where the handle is not known."""
        return len(text) <= LONGEST_NAME and _POST_HANDLE.fullmatch(text) is not None

    def author(self, native_id: str, handle: str) -> NamedAccount | None:
        """By the DID in its id."""
        post = post_of(native_id)
        return None if post is None else NamedAccount(post[0], is_id=True)

    def named_on_page(self, page: PageAddress) -> NamedAccount | None:
        """`/profile/NAME` and, of a post, `/profile/NAME/post/KEY`."""
        first, name, kind, key = (*page.path, "", "", "", "")[:4]
        if first != "profile":
            return None
        return self._post(name, key) if kind == "post" else self.account(name)

    def named_by_uri(self, text: str) -> NamedAccount | None:
        """An at-uri of an account, of a post, or of another record, which stands for its account."""
        name, kind, key = (*map(unquote, text.removeprefix("at://").split("/")), "", "")[:3]
        if not text.startswith("at://"):
            return None
        return self._post(name, key) if kind == "app.bsky.feed.post" and key else self.account(name)

    def _post(self, author: str, key: str) -> NamedAccount | None:
        handle = f"{author.removeprefix('@')}/{key}"
        return NamedAccount(handle) if self.is_post_handle(handle) else None

    def profile_address(self, native_id: str, handle: str) -> str | None:
        author, key = post_of(native_id) or (native_id, "")
        page = f"https://bsky.app/profile/{quote(author, safe=':%')}"
        return f"{page}/post/{quote(key)}" if key else page

    decisive = Decisive(
        frozenset({"active", "status", "error", "message", "labels", "src", "val", "cid", "in_repository"}),
        {},
    )
    # It has no protected accounts (documented).
    statuses = frozenset(Status) - {Status.PROTECTED}
    post_statuses = statuses
    withholds_in_its_app_only = True
    deactivation_is_the_owners = True

    terms = Terms(
        batch=25, cpu_s_per_request=0.0017, memory_per_account=1_400, own_pace_s=PACE_S, asked_alone=3
    )

    def counted_as(self, url: SplitResult) -> str:
        """By server. The app's methods (app.bsky) and those of accounts (com.atproto) are counted apart."""
        _, is_method, method = url.path.partition("/xrpc/")
        return url.netloc + (" " + ".".join(method.split(".")[:2]) if is_method else "")

    group_words = {Status.WITHHELD: "restricted", Status.SUSPENDED: "taken down"}
    flag_words = {Flag.APP_VIEW_ONLY: _APP_ONLY}
    address_settings = ("bluesky_app_view", "bluesky_plc")
    unknown = (
        Unknown(
            "Who asked for an account to be restricted, and on what grounds. Apps other than Bluesky's own "
            "may show it there.",
            Status.WITHHELD,
        ),
        Unknown("Why an account was taken down: the platform does not say.", Status.SUSPENDED),
        Unknown(
            "Whether its server or Bluesky took an account down: the answers do not say.",
            Status.SUSPENDED,
            unless=frozenset({Flag.HOST, Flag.APP_VIEW_ONLY, Flag.SCOPE_UNANSWERED}),
        ),
        Unknown(
            "Whether its server or Bluesky took an account down: its server, or the directory that leads to "
            "it, did not say. Blockline asks again, and the account's page will show the answer.",
            flag=Flag.SCOPE_UNANSWERED,
        ),
    )

    def withheld(self, countries: str, codes: str) -> str:
        """A country's label hides an account in Bluesky's own app only."""
        return f"restricted in {codes} (Bluesky app)"

    def suspended(self, flags: Collection[Flag] | None) -> StateWording:
        if flags is None:
            return StateWording("taken down")
        if Flag.HOST in flags:
            return StateWording("taken down by its server")
        if Flag.APP_VIEW_ONLY in flags:
            return StateWording(_APP_ONLY, "; its own server still serves it", "; its own server served it")
        if Flag.SCOPE_UNANSWERED in flags:
            silent = "known: its server, or the directory, did not say)"
            return StateWording("taken down", f" (by whom is not {silent}", f" (by whom was not {silent}")
        return StateWording("taken down", " (by whom was not observable)")

    def no_answer(self, *, alone: bool) -> str:
        if alone:
            return "its server, or the directory that leads to it, does not answer"
        return super().no_answer(alone=alone)


DECLARATION = BlueskyDeclaration()
