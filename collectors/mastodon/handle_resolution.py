"""From names and addresses of profiles to native ids, and the account that a server names as its contact."""

from datetime import datetime
from typing import Final

from collectors.core.collector import (
    CanaryCandidate,
    RequestFailure,
    ResolvedHandle,
    UnresolvedHandle,
    UnresolvedReason,
)
from collectors.core.wire import WireFault, is_object, parse, printable
from collectors.mastodon.client import MastodonClient
from collectors.mastodon.lookup import LookupMemory
from collectors.mastodon.wire.answers import Absent, Jrd, Profile, profile_of, read_profile, read_webfinger
from collectors.mastodon.wire.identity import (
    MastodonIdentity,
    WebfingerName,
    acct_of,
    full_acct,
    host_of,
    name_of,
    server_of,
    username_of,
)
from collectors.mastodon.wire.status import stranger

_GONE: Final = "suspended for good, or deleted by its owner"


async def resolve(
    client: MastodonClient, memory: LookupMemory, asked: str, now: datetime
) -> ResolvedHandle | UnresolvedHandle | tuple[UnresolvedHandle, RequestFailure]:
    """The native id of somebody, suspended or not: webfinger leads to the actor URI, and the home server
    tells its local id. With the trouble, when a server did not answer.
    """
    name = name_of(asked)
    if name is None:
        return UnresolvedHandle(
            asked, UnresolvedReason.NOT_A_HANDLE, "neither name@server nor an address of a profile"
        )
    said = await _webfinger(client, name.server, name.resource, now)
    if isinstance(said, Absent):
        if said.http_status == 410:
            return UnresolvedHandle(asked, UnresolvedReason.SUSPENDED, _GONE)
        return UnresolvedHandle(asked, UnresolvedReason.NOT_FOUND, f"{name.domain} knows no such account")
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
) -> ResolvedHandle | UnresolvedHandle | tuple[UnresolvedHandle, RequestFailure]:
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
