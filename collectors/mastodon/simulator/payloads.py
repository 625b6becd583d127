"""Pure: the JSON that a Mastodon server sends, in the shapes of real Mastodon (documented, not recorded).

The recordings that there are come from a mock of its API; where the documentation and source of Mastodon
say otherwise (keys left out instead of null, addresses under /users/, dates), these are followed. Kept
apart from the collector's parser.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final

from collectors.mastodon.simulator.ids import ActorId, actor_of
from collectors.simulator.engagement_file import SimulatedAct
from storage.model.core.availability import State, Status
from storage.model.core.signals import SignalKind

VERSION: Final = "4.4.8"
HTML: Final = (
    b"<!DOCTYPE html><html><head><title>Mastodon</title></head><body><h1>We're sorry.</h1></body></html>"
)
JSON_TYPE: Final = "application/json; charset=utf-8"
ACTOR_TYPE: Final = "application/activity+json; charset=utf-8"
JRD_TYPE: Final = "application/jrd+json; charset=utf-8"
HTML_TYPE: Final = "text/html; charset=utf-8"

_CREATED_AT: Final = "2019-05-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class MastodonPerson:
    """An account as every server knows it. `domain` ends its name and may differ from its server's host."""

    native_id: str
    actor: ActorId
    username: str
    domain: str

    @property
    def url(self) -> str:
        """The page that people open."""
        return f"{self.actor.origin}/@{self.username}"

    def acct(self, host: str) -> str:
        """What the server at `host` calls the account."""
        return self.username if host == self.actor.host else f"{self.username}@{self.domain}"

    def id_at(self, host: str) -> str:
        """The account's id in the API of the server at `host`."""
        return self.actor.local_id if host == self.actor.host else foreign_id(host, self.actor.uri)


def dumps(value: object) -> bytes:
    """Compact JSON, as Rails sends it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def error(message: str) -> bytes:
    """The body of every refusal."""
    return dumps({"error": message})


RECORD_NOT_FOUND: Final = error("Record not found")
TOO_MANY_REQUESTS: Final = error("Too many requests")


def foreign_id(host: str, uri: str) -> str:
    """The number that one server gave to what lives on another one: it differs from server to server."""
    drawn = blake2b(f"{host}|{uri}".encode(), digest_size=8).digest()
    return str(10**17 + int.from_bytes(drawn, "big") % (9 * 10**17))


def person_at(uri: str) -> MastodonPerson:
    """Somebody of whom only the address is known."""
    actor = actor_of(uri)
    return MastodonPerson(uri, actor, actor.path.rpartition("/")[2].removeprefix("@"), actor.host)


def account(
    person: MastodonPerson, host: str, state: State, *, with_nulls: bool = False
) -> dict[str, object]:
    """An account in the REST API of the server at `host`, in a state that is not "not found".

    A suspended one has its own words blanked. `locked` is about followers alone: it shows that the owner
    protects the account on no platform that knows protection. `with_nulls`: what is not so is null, as
    other software says it (measured), instead of being left out.
    """
    suspended = state.status is Status.SUSPENDED
    picture = f"{person.actor.origin}/avatars/original/missing.png"
    header = f"{person.actor.origin}/headers/original/missing.png"
    item: dict[str, object] = {
        "id": person.id_at(host),
        "username": person.username,
        "acct": person.acct(host),
        "display_name": "" if suspended else person.username,
        "locked": state.status is Status.PROTECTED,
        "bot": False,
        "discoverable": None if suspended else True,
        "indexable": False,
        "group": False,
        "created_at": _CREATED_AT,
        "note": "" if suspended else f"<p>This is {person.username}.</p>",
        "url": person.url,
        "uri": person.actor.uri,
        "avatar": picture,
        "avatar_static": picture,
        "header": header,
        "header_static": header,
        "followers_count": 0 if suspended else 1200,
        "following_count": 0 if suspended else 340,
        "statuses_count": 0 if suspended else 5600,
        "last_status_at": None if suspended else "2021-01-15",
        "hide_collections": None,
        "noindex": False,
        "emojis": [],
        "roles": [],
        "fields": [],
    }
    if suspended:
        item["suspended"] = True
    if with_nulls:
        item = {"suspended": None, "limited": None, "moved": None} | item
    return item


def actor_document(person: MastodonPerson, state: State) -> dict[str, object]:
    """What the actor's address answers to application/activity+json."""
    uri = person.actor.uri
    suspended = state.status is Status.SUSPENDED
    document: dict[str, object] = {
        "@context": [
            "https://www.w3.org/ns/activitystreams",
            "https://w3id.org/security/v1",
            {"toot": "http://joinmastodon.org/ns#", "suspended": "toot:suspended"},
        ],
        "id": uri,
        "type": "Person",
        "following": f"{uri}/following",
        "followers": f"{uri}/followers",
        "inbox": f"{uri}/inbox",
        "outbox": f"{uri}/outbox",
        "preferredUsername": person.username,
        "name": "" if suspended else person.username,
        "summary": "",
        "url": person.url,
        "manuallyApprovesFollowers": state.status is Status.PROTECTED,
        "published": "2019-05-01T00:00:00Z",
        "tag": [],
        "attachment": [],
        "endpoints": {"sharedInbox": f"{person.actor.origin}/inbox"},
    }
    return document | {"suspended": True} if suspended else document


def webfinger(person: MastodonPerson) -> dict[str, object]:
    """Which actor a name leads to."""
    return {
        "subject": f"acct:{person.username}@{person.domain}",
        "aliases": [person.url, person.actor.uri],
        "links": [
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": person.url},
            {"rel": "self", "type": "application/activity+json", "href": person.actor.uri},
        ],
    }


def instance(host: str, contact: dict[str, object] | None) -> dict[str, object]:
    """What a server says of itself (v2); `contact` is the account of whoever runs it."""
    return {
        "domain": host,
        "title": host,
        "version": VERSION,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": "",
        "usage": {"users": {"active_month": 1200}},
        "languages": ["en"],
        "registrations": {"enabled": False, "approval_required": False, "message": None},
        "contact": {"email": f"staff@{host}", "account": contact},
        "rules": [],
    }


def status(
    act: SimulatedAct, person: MastodonPerson, host: str, account_of: dict[str, object]
) -> dict[str, object]:
    """A post in the API of the server at `host`, its author's account given as `account_of`.

    `target_id` of an act is the address of the post that it refers to, `target_author_id` its author's.
    """
    item = _status(act.post_id, f"{person.actor.uri}/statuses/{act.post_id}", act.at, account_of)
    if act.target_id is None or act.target_author_id is None:
        return item
    author = person_at(actor_of(act.target_author_id).uri)
    number = (
        act.target_id.rpartition("/")[2] if author.actor.host == host else foreign_id(host, act.target_id)
    )
    if act.kind is SignalKind.REPLY:
        return item | {"in_reply_to_id": number, "in_reply_to_account_id": author.id_at(host)}
    their_account = account(author, host, State(Status.AVAILABLE))
    target = _status(number, act.target_id, act.at, their_account)
    if act.kind is SignalKind.REPOST:
        return item | {"uri": f"{item['uri']}/activity", "reblog": target}
    return item | {"quote": {"state": "accepted", "quoted_status": target}}


def post(
    local_id: str, person: MastodonPerson, host: str, at: datetime, *, with_nulls: bool = False
) -> dict[str, object]:
    """A post of the server's own `person` in its REST API, of an author who is there."""
    author = account(person, host, State(Status.AVAILABLE), with_nulls=with_nulls)
    said = _status(local_id, f"{person.actor.uri}/statuses/{local_id}", at, author)
    return said | {"url": f"{person.url}/{local_id}", "content": f"<p>This is post {local_id}.</p>"}


def note(local_id: str, person: MastodonPerson) -> dict[str, object]:
    """What the page of a post answers to application/activity+json."""
    return {
        "@context": ["https://www.w3.org/ns/activitystreams"],
        "id": f"{person.actor.uri}/statuses/{local_id}",
        "type": "Note",
        "url": f"{person.url}/{local_id}",
        "attributedTo": person.actor.uri,
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "content": f"<p>This is post {local_id}.</p>",
    }


def array(fragments: Sequence[bytes]) -> bytes:
    """A JSON array of ready items."""
    return b"[" + b",".join(fragments) + b"]"


def _status(number: str, uri: str, at: datetime, author: dict[str, object]) -> dict[str, object]:
    return {
        "id": number,
        "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": uri,
        "url": uri,
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "edited_at": None,
        "content": "",
        "reblog": None,
        "account": author,
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "card": None,
        "poll": None,
        "quote": None,
    }
