"""Pure: the parts of a Mastodon account's id in a history: the address of its actor, and its id at home."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class ActorId:
    """`uri` is what names the account anywhere, `local_id` what its own server calls it.

    `origin` is scheme and host of the server, `host` is in lower case and has the port where the
    address has one.
    """

    uri: str
    origin: str
    host: str
    path: str
    local_id: str


def actor_of(native_id: str) -> ActorId:
    """The parts of an id like "https://mastodon.example/users/alice#1098765"."""
    uri, _, local_id = native_id.partition("#")
    parts = urlsplit(uri)
    return ActorId(uri, f"{parts.scheme}://{parts.netloc}", parts.netloc.lower(), parts.path, local_id)
