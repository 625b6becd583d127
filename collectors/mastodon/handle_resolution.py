"""From names and addresses of profiles and posts to native ids, and the contact account of a server with its
posts.
"""

from datetime import datetime
from typing import Final, TypeAlias

from collectors.core.collector import (
    CanaryCandidate,
    RequestFailure,
    ResolvedHandle,
    UnresolvedHandle,
    UnresolvedReason,
)
from collectors.core.wire import WireFault, is_object, parse, printable
from collectors.mastodon.client import MastodonClient
from collectors.mastodon.declaration import DECLARATION
from collectors.mastodon.server_look import LookupMemory
from collectors.mastodon.wire.answers import Absent, Jrd, Profile, profile_of, read_profile, read_webfinger
from collectors.mastodon.wire.identity import (
    MastodonIdentity,
    MastodonPostIdentity,
    WebfingerName,
    acct_of,
    full_acct,
    host_at,
    host_of,
    name_of,
    post_of,
    server_of,
    username_of,
)
from collectors.mastodon.wire.posts import read_own_posts
from collectors.mastodon.wire.status import stranger

_GONE: Final = "suspended for good, or deleted by its owner"
_CONTROL_POSTS: Final = 2
_PAGES: Final = (
    (("pinned", "true"),),
    (("exclude_replies", "true"), ("exclude_reblogs", "true"), ("limit", "40")),
)
"""Where to look for the contact's posts: the pinned ones, then the newest."""

Resolved: TypeAlias = ResolvedHandle | UnresolvedHandle | tuple[UnresolvedHandle, RequestFailure]
"""With the trouble, when a server did not answer."""
KnownAuthors: TypeAlias = dict[WebfingerName, tuple[Jrd | Absent | WireFault, str | None]]
"""What webfinger answered about authors, and their handles: one request serves all posts of an author."""


async def resolve_post(
    client: MastodonClient, memory: LookupMemory, asked: str, authors: KnownAuthors, now: datetime
) -> Resolved | None:
    """The native id of a post, by `name@host/ID`, by the address of its page or by its URI. None when the
    text does not name a post.

    No request asks whether the post exists: legal notices also name posts that are gone. Webfinger leads to
    the author's home server, which may have another host than the handle's domain. For an author who is gone
    for good it leads nowhere, and the address is believed.
    """
    named = _post_named(asked)
    if named is None:
        return None
    name, page, local_id = named
    if name not in authors:
        said = await _webfinger(client, name.server, name.resource, now)
        authors[name] = said, await _handle(client, name, said, now) if isinstance(said, Jrd) else None
    said, handle = authors[name]
    if isinstance(said, Jrd):
        server = server_of(said.actor)
        if handle is not None:
            memory.domains[host_of(server)] = handle.rpartition("@")[2]
        username = username_of(said.actor) or (handle or said.acct or "").partition("@")[0]
        home = MastodonPostIdentity.at(server, username, local_id)
    elif isinstance(said, Absent) and said.http_status == 410 and page is not None:
        home = page
    elif isinstance(said, Absent):
        return _absent(asked, name, said)
    else:
        return _unanswered(client, asked, name.domain, said, now)
    if not DECLARATION.is_post(home.native_id):
        return UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, "the name of its author is not known")
    handle = handle or f"{home.name}@{memory.domains.get(home.host, home.host)}"
    return ResolvedHandle(asked, home.native_id, f"{handle}/{local_id}")


def _post_named(asked: str) -> tuple[WebfingerName, MastodonPostIdentity | None, str] | None:
    """The author of a post; the post itself, when its address shows the author's name; and its local id. None
    when the text does not name a post.
    """
    text = asked.strip().removeprefix("@")
    post = post_of(text)
    if post is None:
        author, _, local_id = text.rpartition("/")
        name = name_of(author) if DECLARATION.is_post_handle(text) else None
        return None if name is None else (name, None, local_id)
    author = post.author if "://" in post.author else f"{post.server}/@{post.author.partition('@')[0]}"
    name, username = name_of(author), username_of(author)
    if name is None or not DECLARATION.is_post_handle(f"{username or 'a'}@{name.domain}/{post.local_id}"):
        return None
    page = None if username is None else MastodonPostIdentity.at(post.server, username, post.local_id)
    return name, page, post.local_id


async def resolve(client: MastodonClient, memory: LookupMemory, asked: str, now: datetime) -> Resolved:
    """The native id of somebody, suspended or not: webfinger leads to the actor URI, and the home server
    tells its local id.
    """
    name = name_of(asked)
    if name is None:
        return UnresolvedHandle(
            asked, UnresolvedReason.NOT_A_HANDLE, "neither name@server nor an address of a profile"
        )
    said = await _webfinger(client, name.server, name.resource, now)
    if isinstance(said, Absent):
        return _absent(asked, name, said)
    if isinstance(said, WireFault):
        return _unanswered(client, asked, name.domain, said, now)
    handle = await _handle(client, name, said, now)
    return await _at_home(client, memory, asked, said.actor, handle, now)


async def candidates(
    client: MastodonClient, memory: LookupMemory, place: str, now: datetime
) -> tuple[CanaryCandidate, ...]:
    """The contact account of a server, when it is one of its own; also teaches how its names end.

    That a server's administrators keep their account is an expectation, looked at before it is relied on.
    """
    server = f"https://{place}"
    answer = await client.get(f"{server}/api/v2/instance", now) if host_of(server) else None
    if answer is None or isinstance(answer, WireFault) or answer.http_status != 200:
        return ()
    document = parse(answer.body)
    contact = document.get("contact") if is_object(document) else None
    profile = profile_of(contact.get("account")) if is_object(contact) else None
    if not is_object(document) or not isinstance(profile, Profile) or profile.suspended or profile.moves:
        return ()
    address = profile.uri or profile.url or ""
    if host_of(address) != place:
        return ()
    domain = document.get("domain")
    halves = acct_of(full_acct(profile.acct, domain if isinstance(domain, str) else place))
    said = Jrd(address, "@".join(halves) if halves else None)
    handle = await _handle(client, WebfingerName(server, ""), said, now)
    if handle is not None and isinstance(domain, str):
        memory.domains[place] = handle.rpartition("@")[2]
    return (
        CanaryCandidate(
            MastodonIdentity(address, profile.local_id).native_id, handle or f"{profile.username}@{place}"
        ),
    )


async def post_candidates(
    client: MastodonClient, memory: LookupMemory, place: str, now: datetime
) -> tuple[CanaryCandidate, ...]:
    """Up to two posts of the contact account of a server: pinned ones, then the oldest of its newest page.

    No post is known to be stable on every server. The contact is expected to keep its own; each is looked at
    before it is relied on.
    """
    found: dict[str, CanaryCandidate] = {}
    for contact in await candidates(client, memory, host_at(place), now):
        who = MastodonIdentity.of(contact.native_id)
        if who is None:
            continue
        for page in _PAGES:
            answer = await client.get(f"{who.server}/api/v1/accounts/{who.local_id}/statuses", now, page)
            posts = () if isinstance(answer, WireFault) else read_own_posts(answer.http_status, answer.body)
            for post in posts if page is _PAGES[0] else reversed(posts):
                native_id = MastodonPostIdentity.at(who.server, post.author.username, post.local_id).native_id
                if post.author.local_id == who.local_id and DECLARATION.is_post(native_id):
                    found[native_id] = CanaryCandidate(native_id, f"{contact.handle}/{post.local_id}")
            if len(found) >= _CONTROL_POSTS:
                break
    return tuple(found.values())[:_CONTROL_POSTS]


def _absent(asked: str, name: WebfingerName, said: Absent) -> UnresolvedHandle:
    """The result when webfinger knows the name no longer, or never knew it."""
    if said.http_status == 410:
        return UnresolvedHandle(asked, UnresolvedReason.SUSPENDED, _GONE)
    return UnresolvedHandle(asked, UnresolvedReason.NOT_FOUND, f"{name.domain} knows no such account")


async def _webfinger(
    client: MastodonClient, server: str, resource: str, now: datetime
) -> Jrd | Absent | WireFault:
    answer = await client.webfinger(server, resource, now)
    return answer if isinstance(answer, WireFault) else read_webfinger(answer.http_status, answer.body)


async def _handle(client: MastodonClient, name: WebfingerName, said: Jrd, now: datetime) -> str | None:
    """The name by which the account's server calls it, None when it is not to be believed.

    A name under another domain than the one asked is believed only if that domain leads to the same
    actor: else any server could call its people by the names of others.
    """
    if said.acct is None:
        return None
    domain = said.acct.rpartition("@")[2]
    if domain == name.domain:
        return said.acct
    confirmed = await _webfinger(client, f"https://{domain}", f"acct:{said.acct}", now)
    return said.acct if isinstance(confirmed, Jrd) and confirmed.actor == said.actor else None


async def _at_home(
    client: MastodonClient, memory: LookupMemory, asked: str, actor: str, handle: str | None, now: datetime
) -> Resolved:
    """The local id that the home server of `actor` has for it."""
    home = host_of(actor)
    username = username_of(actor) or (handle or "").rpartition("@")[0]
    if not username:
        return UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, f"no name is known for {printable(actor)}")
    address = f"{server_of(actor)}/api/v1/accounts/lookup"
    answer = await client.get(address, now, [("acct", username)])
    said = answer if isinstance(answer, WireFault) else read_profile(answer.http_status, answer.body)
    if isinstance(said, Absent):
        detail = f"{home} has no REST API, or does not know the account there: HTTP {said.http_status}"
        return UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, detail)
    if isinstance(said, WireFault):
        return _unanswered(client, asked, home, said, now)
    who = MastodonIdentity(said.uri if said.uri and host_of(said.uri) == home else actor, said.local_id)
    other = stranger(MastodonIdentity(actor, said.local_id), said, None)
    if other is not None:
        return UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, printable(other))
    if handle is None:
        return ResolvedHandle(asked, who.native_id, full_acct(said.acct, home))
    memory.domains[home] = handle.rpartition("@")[2]
    return ResolvedHandle(asked, who.native_id, handle)


def _unanswered(
    client: MastodonClient, asked: str, host: str, fault: WireFault, now: datetime
) -> tuple[UnresolvedHandle, RequestFailure]:
    """Nothing was learned, and why."""
    detail = f"{host}: {fault.detail}"
    return UnresolvedHandle(asked, UnresolvedReason.NO_ANSWER, detail), client.trouble(host, fault, now)
