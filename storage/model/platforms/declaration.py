"""What a platform declares about itself: how it names accounts, what it lets anyone see, what it allows and
charges, and the words for its statuses.

A platform subclasses `PlatformDeclaration` in the module `declaration` of its package, which an entry point
of the group `blockline.platforms` names. A name, examples of an id and a handle, the form of a handle, the
terms, and the settings that hold addresses must be declared; all else has a usual value.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import SplitResult

from storage.model.core.availability import Flag, MissedReason, Status
from storage.model.core.signals import NotObservable
from storage.model.evidence.decisive import Decisive

LONGEST_NAME = 512
"""Characters of an id or a handle, of any platform."""

CONTROLS = 2
"""Control accounts that sizing counts in each request. Some servers have fewer."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?"
"""Regular expression of a domain name."""
HOST = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
"""Regular expression of a host, with a port or without."""


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """The account that a text names: by its stable id (`is_id`), or by a handle that has to be looked up."""

    name: str
    is_id: bool = False


@dataclass(frozen=True, slots=True)
class PageAddress:
    """The address of a web page that is not the root of its site."""

    host: str
    """In lower case, without the port."""
    server: str
    """The host with its port, if the address names one."""
    path: tuple[str, ...]
    """The parts between slashes, none of them empty, decoded."""
    query: str


@dataclass(frozen=True, slots=True)
class StateWording:
    """`words` can follow "@handle" and "12 accounts"; `more` explains them, after its punctuation."""

    words: str
    more: str = ""
    then: str | None = None
    """`more` about the time of a change; None: the same."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that the platform does not say about some changes: a sentence for emails about them.

    A change is meant if its new status is `status` and if it has `flag`; None means any. `unless` are flags
    that a change must not have.
    """

    sentence: str
    status: Status | None = None
    flag: Flag | None = None
    unless: frozenset[Flag] = frozenset()

    def is_about(self, status: Status, flags: Collection[Flag]) -> bool:
        if self.status not in {None, status} or (self.flag is not None and self.flag not in flags):
            return False
        return self.unless.isdisjoint(flags)


@dataclass(frozen=True, slots=True)
class OwnerNotice:
    """What the platform wrote to the owner of an account about a measure, as far as its wording is known."""

    handle: str
    posts: tuple[str, ...] = ()
    """The handles of the posts that it names: AUTHOR/ID."""
    was_done: bool = True
    """False: it says that somebody asked for a measure, and not that there was one."""
    own_rules: bool = False
    """True: the measure is for the platform's own rules."""
    law: str = ""
    """The law that it names. Empty: none."""
    country: str = ""
    """The English name of the country whose law it names. Empty: none."""
    requested_by: str = ""
    """Who asked, in its words. Empty: it does not say."""


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """So many requests in so long, counted for `counted_for`."""

    requests: int
    within: timedelta
    counted_for: str
    """With its article: "an app"."""
    source: str


@dataclass(frozen=True, slots=True)
class Price:
    """What the platform bills for reading."""

    usd_per_account: float
    """US dollars per account that a request returns, once per UTC day."""
    source: str
    """Where the platform says so, and how firmly: a clause."""
    console: str
    """Where its customers set a spending limit: "X's console"."""
    usd_per_post: float | None = None
    """US dollars at most per post that a request returns, once per UTC day, with everything that is billed
    beside it. None: as for an account.
    """


@dataclass(frozen=True, slots=True)
class PostTerms:
    """How one platform is asked about posts, which are never in one request with accounts."""

    at_once: int
    """Posts in one request, control posts included."""
    limit: RequestLimit | None = None
    """None: its requests count with those about accounts."""
    note: str = ""
    """What it may take beside that, as a sentence."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How one platform is asked."""

    batch: int
    """Accounts in one request, control accounts included."""
    cpu_s_per_request: float
    """Seconds of processor time, by make bench GROUP=sizing."""
    memory_per_account: int
    """Bytes, the raw answers of the last reading among them, by the same bench."""
    limit: RequestLimit | None = None
    """None: it documents none."""
    own_pace_s: float | None = None
    """Requests a second to one host that Blockline itself does not exceed. None: it keeps to the limit."""
    price: Price | None = None
    """None: reading is free."""
    posts: PostTerms | None = None
    """None: as many posts as accounts are asked for at once, and their requests count together."""
    asked_alone: int = 0
    """How many more requests there are at most for an account that is missing from an answer."""
    more_with: str = "addresses to ask from"
    """What is needed more than once to send more requests: "apps"."""

    @property
    def roster_size(self) -> int:
        """Watched accounts in one request, or posts in one batch."""
        return self.batch - CONTROLS

    @property
    def of_posts(self) -> PostTerms:
        return self.posts or PostTerms(self.batch)


class PlatformDeclaration(ABC):
    """Everything that Blockline knows of a platform before it sends a request to it."""

    # --- The platform and its accounts

    name: ClassVar[str]
    """The platform in a sentence: "Bluesky"."""
    id_example: ClassVar[str]
    """The stable id of an account, to show what one looks like."""
    handle_example: ClassVar[str]
    """The handle of the same account, without @."""
    handle_form: ClassVar[re.Pattern[str]]
    """The form of a whole handle, without @. What is longer than `LONGEST_NAME` is none."""
    sites: ClassVar[frozenset[str]] = frozenset()
    """Hosts of the pages of its profiles and posts."""
    measured_domains: ClassVar[tuple[str, ...]] = ()
    """Domains by which others measure whether networks reach it: those of its pages in the test lists that
    OONI's devices use (recalled).
    """
    label_setting: ClassVar[str] = ""
    """The setting that makes Blockline collect the labels by which labelers of countries withhold. Empty: the
    platform has no such labelers.
    """
    is_federated: ClassVar[bool] = False
    """Whether anybody can run a server of it. Then any host may be one, an id begins with an address on the
    account's server, and engagements name accounts by this address or by name@host.
    """
    ids_name_the_platform: ClassVar[bool] = True
    """Whether an id by itself shows that it is of this platform. If not, as with mere numbers, people write
    `id:` before it.
    """
    handles_name_the_platform: ClassVar[bool] = True
    """Whether a handle by itself shows that it is of this platform. If not, as with mere words, people write
    the platform beside it.
    """
    id_may_stand_for_handle: ClassVar[bool] = False
    """Whether people write the id where a handle is asked for."""
    post_id_example: ClassVar[str] = ""
    """The stable id of a post. Empty: its posts are not watched."""
    post_address: ClassVar[re.Pattern[str] | None] = None
    """The whole address of a post. Its groups are the post's id and what follows it, which is ignored."""

    notice_senders: ClassVar[frozenset[str]] = frozenset()
    """The domains that its notices to owners come from."""

    def owner_notice(self, text: str) -> OwnerNotice | None:
        """The notice to an owner in the text of an email, in which every white space is one space.

        None: there is none in a wording that is known, or it names nobody.
        """
        return None

    @abstractmethod
    def is_native_id(self, text: str) -> bool:
        """Whether a text has the form of the stable ids of accounts and posts."""

    def is_post(self, native_id: str) -> bool:
        """Whether a stable id is that of a post, and not of an account."""
        return False

    def is_post_handle(self, text: str) -> bool:
        """Whether a text has the form of the handle of a post: `AUTHOR/ID`, with the handle of the author and
        the id of the post in its address.
        """
        return False

    def author_handle(self, handle: str) -> str:
        """The author's part of a post's handle. Empty for another handle, and where it names no author."""
        return handle.rpartition("/")[0] if self.is_post_handle(handle) else ""

    def author(self, native_id: str, handle: str) -> NamedAccount | None:
        """The account that wrote a post; None for an account, and where neither id nor handle names it."""
        name = self.author_handle(handle)
        return NamedAccount(name) if self.is_post(native_id) and self.is_handle(name) else None

    def is_handle(self, text: str) -> bool:
        """Whether a text has the form of a handle, without a leading @."""
        return len(text) <= LONGEST_NAME and self.handle_form.fullmatch(text) is not None

    def is_incomplete_id(self, text: str) -> bool:
        """Whether a text has the form of the part of an id before its #. The platform has to add the rest."""
        return False

    def usual_handle(self, handle: str) -> str:
        """The spelling of a handle in which upper case is only where the platform keeps it."""
        return handle

    def named_on_page(self, page: PageAddress) -> NamedAccount | None:
        """The account that a page on one of its `sites` is about, or on any host if it `is_federated`."""
        return None

    def named_by_uri(self, text: str) -> NamedAccount | None:
        """The account that a text with a scheme of the platform's own names."""
        return None

    def is_one_server(self, place: str) -> bool:
        """Whether a place (`Collector.place`) is a server among many, and not a kind of accounts."""
        return self.is_federated and bool(place)

    def statuses_of(self, native_id: str) -> frozenset[Status]:
        """The statuses that an account or a post can have."""
        return self.post_statuses if self.is_post(native_id) else self.statuses

    def accounts_billed(self, native_id: str) -> float:
        """The cost of an account or a post, in accounts, on a day on which it is read."""
        price = self.terms.price
        if price is None or price.usd_per_post is None or not self.is_post(native_id):
            return 1.0
        return round(price.usd_per_post / price.usd_per_account, 6)

    def account(self, name: str) -> NamedAccount | None:
        """The account of an id or of a handle with or without @; None if the text is neither."""
        name = name.removeprefix("@")
        if self.is_native_id(name):
            return NamedAccount(name, is_id=True)
        return NamedAccount(self.usual_handle(name)) if self.is_handle(name) else None

    def profile_address(self, native_id: str, handle: str) -> str | None:
        """The web page of an account for people; None if it has none. By the id wherever that is possible,
        because a handle may belong to somebody else later.
        """
        return None

    # --- What it lets anyone see

    statuses: ClassVar[frozenset[Status]] = frozenset(Status)
    """The statuses that its accounts can have, by its own answers or by published records."""
    post_statuses: ClassVar[frozenset[Status]] = frozenset()
    """The statuses that its posts can have. Empty: its posts are not watched."""
    withholds_in_its_app_only: ClassVar[bool] = False
    """Whether an account that it withholds stays visible there in other apps."""
    suspension_may_be_deletion: ClassVar[bool] = False
    """Whether it answers alike for a suspended account and for one that its owner deleted."""
    deactivation_is_the_owners: ClassVar[bool] = False
    """Whether it says that an account is deactivated by its owner, and not only that it is gone."""
    decisive: ClassVar[Decisive] = Decisive(frozenset(), MappingProxyType({}))
    """The fields of its stored answers that decide the status, to mark them for readers."""
    not_observable: ClassVar[tuple[NotObservable, ...]] = ()
    """Kinds of engagement that it does not show, for every executive for whom nothing else was found."""

    # --- How it is asked

    terms: ClassVar[Terms]
    counts_by_key: ClassVar[bool] = False
    """Whether it counts requests by the key that they carry, and not by the address that they come from."""

    def counted_as(self, url: SplitResult) -> str:
        """What it counts a request as: requests that share a limit have the same text."""
        return url.netloc

    # --- Words

    group_words: ClassVar[Mapping[Status, str]] = MappingProxyType({})
    """What all accounts of a status are called together, where that is not the name of the status."""
    flag_words: ClassVar[Mapping[Flag, str]] = MappingProxyType({})
    """Words for side facts, where the usual ones do not fit."""
    is_usual: ClassVar[bool] = False
    """Whether a handle in a list means this platform where no other one is named beside it."""
    absent_words: ClassVar[str] = "deleted, renamed or never existed"
    """What "not found" can mean for a handle."""
    missed_words: ClassVar[Mapping[MissedReason, str]] = MappingProxyType({})
    """Why an attempt gave no status, where that needs words of its own."""
    to_do: ClassVar[Mapping[MissedReason, str]] = MappingProxyType(
        {
            MissedReason.AUTH: "It is read without a key, so there is none to renew. The command “blockline "
            "check” shows whether it refuses all requests.",
            MissedReason.ACCESS: "The server answers known servers only. Ask its administrators for access, "
            "or stop watching its accounts.",
        }
    )
    """What a person can do about attempts that fail, in a sentence or two."""
    address_settings: ClassVar[tuple[str, ...]]
    """The settings that hold the addresses of its servers."""
    unknown: ClassVar[tuple[Unknown, ...]] = ()
    """What its readings do not tell."""

    def withheld(self, countries: str, codes: str) -> str:
        """Words for an account that is withheld. `countries` have their names, `codes` only their codes."""
        return f"withheld in {countries}"

    def suspended(self, flags: Collection[Flag] | None) -> StateWording:
        """Words for a suspended account. `flags` are None if they are not known."""
        return StateWording("suspended")

    def not_found(self, flags: Collection[Flag] | None) -> StateWording:
        """Words for an account that is not found and of which more is not known."""
        return StateWording("not found")

    def post_not_found(self, flags: Collection[Flag] | None) -> StateWording:
        """The same for a post."""
        return self.not_found(flags)

    def with_author(self, status: Status, said: StateWording, flags: Collection[Flag]) -> StateWording:
        """Words for a post whose status is that of its author's account; `said` are those for an account."""
        match status:
            case Status.NOT_FOUND:
                return StateWording("gone with its author's account")
            case Status.DEACTIVATED if self.deactivation_is_the_owners:
                return StateWording("gone because its author deactivated their account")
            case _:
                return replace(said, words=f"{said.words} with its author's account")

    def no_answer(self, *, alone: bool) -> str:
        """Words for an attempt without an answer. `alone`: others in the same request were answered."""
        return f"{self.name} does not answer"
