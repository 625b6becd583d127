"""Pure: who is who on Mastodon: native ids, addresses of profiles and posts, names of accounts.

A native id is the actor URI with the account's id at its home server as fragment. The number alone
differs from server to server, and the address alone can be given to a new account after a reinstallation.
"""

import re
from dataclasses import dataclass
from typing import Final, Self, TypeAlias
from urllib.parse import urlsplit

_LONGEST_ADDRESS: Final = 1000
_POSTS: Final = "/posts"
"""Marks the place of a server's posts: no host ends in it."""
_LONGEST_DOMAIN: Final = 260
"""With its port. Python takes seconds to encode a host of 200,000 letters."""
_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_is_host = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252})(?::[0-9]{1,5})?").fullmatch
_is_name = re.compile(_NAME).fullmatch
_is_local_id = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_profile_path = re.compile(rf"/(?:users/|@)({_NAME})/?").fullmatch
_foreign_profile_path = re.compile(rf"/@({_NAME}@[^/@]+)/?").fullmatch
_post_page = re.compile(rf"/@({_NAME})/((?=[A-Za-z]*[0-9])[0-9A-Za-z]{{1,64}})").fullmatch
_post_path = re.compile(
    rf"(?:(/(?:ap/)?users/{_NAME})/statuses|/@({_NAME}))/([A-Za-z0-9_-]{{1,64}})(?:/activity)?/?"
).fullmatch


@dataclass(frozen=True, slots=True)
class MastodonIdentity:
    """One account: its actor URI and its id in the REST API of its home server."""

    actor: str
    local_id: str

    @classmethod
    def of(cls, native_id: str) -> Self | None:
        """None when `native_id` cannot be one: no http(s) address, or no local id behind the last #."""
        actor, _, local_id = native_id.rpartition("#")
        return cls(actor, local_id) if host_of(actor) and _is_local_id(local_id) else None

    @property
    def native_id(self) -> str:
        return f"{self.actor}#{self.local_id}"

    @property
    def host(self) -> str:
        """The server that answers for the account, as host or host:port."""
        return host_of(self.actor)

    @property
    def place(self) -> str:
        """See `Collector.place`."""
        return self.host

    @property
    def server(self) -> str:
        """The address that requests to that server begin with."""
        return server_of(self.actor)

    @property
    def username(self) -> str | None:
        """The name in the address; None where the address shows none (numeric addresses, other software)."""
        return username_of(self.actor)


@dataclass(frozen=True, slots=True)
class MastodonPostIdentity:
    """One post: the server of its author, the author's name there, and the post's id in its REST API."""

    native_id: str
    """The address of its page at that server."""
    server: str
    name: str
    local_id: str

    @classmethod
    def of(cls, native_id: str) -> Self | None:
        """None when `native_id` is not the address of a post's page at the server of its author."""
        parts = urlsplit(native_id) if host_of(native_id) else None
        found = _post_page(parts.path) if parts and not parts.query and not parts.fragment else None
        return cls(native_id, server_of(native_id), found[1], found[2]) if found else None

    @classmethod
    def at(cls, server: str, name: str, local_id: str) -> Self:
        """The post with this id at a server; its author has the name `name` there."""
        return cls(f"{server}/@{name}/{local_id}", server, name, local_id)

    @property
    def profile(self) -> str:
        """The address of the author's page."""
        return f"{self.server}/@{self.name}"

    @property
    def host(self) -> str:
        """The server that answers for the post, as host or host:port."""
        return host_of(self.server)

    @property
    def place(self) -> str:
        """See `Collector.place`: the posts of a server are asked for apart from its accounts."""
        return f"{self.host}{_POSTS}"


Identity: TypeAlias = MastodonIdentity | MastodonPostIdentity


@dataclass(frozen=True, slots=True)
class WebfingerName:
    """Somebody as a person wrote it: what to ask webfinger for, and at which server first."""

    server: str
    resource: str

    @property
    def domain(self) -> str:
        return host_of(self.server)


@dataclass(frozen=True, slots=True)
class Post:
    """A post at its home server."""

    address: str
    server: str
    local_id: str
    author: str
    """The actor URI where the address of the post shows it, else name@host."""


def identity_of(native_id: str) -> Identity | None:
    """The account or the post of a native id; None when it is not one of Mastodon."""
    return MastodonIdentity.of(native_id) or MastodonPostIdentity.of(native_id)


def host_of(address: str) -> str:
    """The host, or host:port, of an http(s) address; empty for anything else, credentials included."""
    if len(address) > _LONGEST_ADDRESS or not address.isprintable() or " " in address:
        return ""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return ""
    host = parts.netloc.lower()
    return host if parts.scheme in {"https", "http"} and _is_host(host) else ""


def host_at(place: str) -> str:
    """The server of a place (`Collector.place`): of accounts or of posts."""
    return place.removesuffix(_POSTS)


def is_place_of_posts(place: str) -> bool:
    """Whether posts are asked for at a place, and not accounts."""
    return place.endswith(_POSTS)


def server_of(address: str) -> str:
    """Scheme and host of an http(s) address, as requests to its server begin."""
    return f"{urlsplit(address).scheme}://{host_of(address)}"


def username_of(address: str) -> str | None:
    """The name in the address of a profile, /users/NAME or /@NAME; None where there is none."""
    found = _profile_path(urlsplit(address).path) if host_of(address) else None
    return found[1] if found else None


def is_username(text: str) -> bool:
    """Whether `text` can be the part of an account's name before the @."""
    return _is_name(text) is not None


def is_local_id(text: str) -> bool:
    """Whether `text` can be an id of some server's REST API (numbers; ULIDs and hashes elsewhere)."""
    return _is_local_id(text) is not None


def order_of(local_id: str) -> tuple[int, str]:
    """Sorts ids of one server by age: they are numbers as text, and only grow longer."""
    return len(local_id), local_id


def acct_of(text: str) -> tuple[str, str] | None:
    """The two halves of name@domain, the domain in small letters; None when it is not that."""
    name, _, domain = text.partition("@")
    if not _is_name(name) or len(domain) > _LONGEST_DOMAIN:
        return None
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return None
    return (name, domain.lower()) if _is_host(domain.lower()) else None


def full_acct(acct: str, domain: str) -> str:
    """The whole name of an account that a server calls `acct`: its own people without the @domain."""
    return acct if "@" in acct else f"{acct}@{domain}"


def name_of(asked: str) -> WebfingerName | None:
    """Whom a person means by alice@host, @alice@host, https://host/@alice or https://host/users/alice.

    Other addresses are asked for as they are. None when it is neither a name nor an address.
    """
    text = asked.strip()
    if "://" not in text:
        halves = acct_of(text.removeprefix("@"))
        return _by_acct("https", *halves) if halves else None
    if not host_of(text) or urlsplit(text).fragment:
        return None
    parts = urlsplit(text)
    foreign = _foreign_profile_path(parts.path)
    if foreign:
        halves = acct_of(foreign[1])
        return _by_acct(parts.scheme, *halves) if halves else None
    name = username_of(text)
    if name is not None:
        return _by_acct(parts.scheme, name, host_of(text))
    return WebfingerName(server_of(text), text) if parts.path.strip("/") else None


def post_of(address: str) -> Post | None:
    """The post that an address names at its home server; None for anything else.

    The address that another server shows a post under (/@alice@home/1) is refused: that server knows
    only a part of what was done to the post.
    """
    if not host_of(address):
        return None
    found = _post_path(urlsplit(address).path)
    if found is None:
        return None
    actor_path, name, local_id = found.groups()
    server = server_of(address)
    author = server + actor_path if actor_path else f"{name}@{host_of(address)}"
    return Post(address, server, local_id, author)


def _by_acct(scheme: str, name: str, domain: str) -> WebfingerName:
    return WebfingerName(f"{scheme}://{domain}", f"acct:{name}@{domain}")
