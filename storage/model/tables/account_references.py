"""Pure: what a user writes for an account: a handle, an id, or the address of a profile or of a post.

Whatever comes out is plain ASCII of a known form, so that nothing a stranger writes travels any further.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from storage.model.core.accounts import Platform
from storage.model.text.states import PLATFORM_NAME, clean

ID_PREFIX = "id:"
"""`id:12345` asks for an id of X: there are handles of digits only."""


_LONGEST = 512
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
_MASTODON_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?"

_X_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_DID = re.compile(rf"did:(?:plc:[a-z2-7]{{24}}|web:{_DOMAIN}(?:%3A[0-9]{{1,5}})?)")
_ACTOR = re.compile(rf"https?://{_HOST}/(?!@)[!-\"$-~]+")
"""`https://host/@name` is the page of a profile and no actor URI."""

_LOCAL_ID = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{1,64}")
"""Numbers on Mastodon; other software that speaks its API has longer ones. `#main-key` is none."""

_HANDLES = {
    Platform.X: re.compile(r"[A-Za-z0-9_]{1,50}"),
    Platform.BLUESKY: re.compile(_DOMAIN),
    Platform.MASTODON: re.compile(rf"{_MASTODON_NAME}@{_HOST}"),
}
_WITH_PLATFORM = re.compile(r"(x|bluesky|mastodon)\s+(.+)", re.IGNORECASE | re.DOTALL)
_X_HOSTS = {f"{prefix}{host}" for host in ("x.com", "twitter.com") for prefix in ("", "www.", "mobile.")}
_X_PAGES = {"compose", "explore", "hashtag", "home", "i", "intent", "login", "messages", "notifications"} | {
    "privacy",
    "search",
    "settings",
    "share",
    "tos",
}
"""First parts of addresses on x.com that are no handles."""
_BLUESKY_HOSTS = {"bsky.app", "www.bsky.app"}


class AddressError(Exception):
    """The text names no account. The message is a clause that quotes it."""


@dataclass(frozen=True, slots=True)
class Address:
    """What a text names: an account's stable id (`is_id`), or a name that its platform has to resolve.

    `platform` is None when the text alone does not tell it: `NASA` may be a handle of X, or a mistake.
    """

    platform: Platform | None
    name: str
    is_id: bool = False


def is_native_id(platform: Platform, text: str) -> bool:
    """Whether `text` has the form of the ids that `platform` gives out.

    X: a number. Bluesky: a DID of the methods plc and web. Mastodon: the actor URI with the local id at
    its home server as fragment.
    """
    match platform:
        case Platform.X:
            return bool(_X_NUMBER.fullmatch(text)) and int(text) < 2**63
        case Platform.BLUESKY:
            return _DID.fullmatch(text) is not None
        case Platform.MASTODON:
            uri, _, local_id = text.partition("#")
            return is_actor(uri) and _LOCAL_ID.fullmatch(local_id) is not None


def is_actor(text: str) -> bool:
    """Whether `text` has the form of an actor URI of Mastodon, without the local id."""
    return len(text) <= _LONGEST and _ACTOR.fullmatch(text) is not None


def is_handle(platform: Platform, text: str) -> bool:
    """Whether `text` has the form of a handle of `platform`, without a leading @.

    For X more letters are let through than it gives out today: X itself says what is too long.
    """
    return len(text) <= _LONGEST and _HANDLES[platform].fullmatch(text) is not None


def read_address(text: str, platform: Platform | None = None) -> Address:
    """The account that `text` names; `platform` is what was said beside it, None when nothing was.

    Raises AddressError when it names none, or one of another platform.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise AddressError(f"{clean(text)!r} is too long to name an account.")
    said = _WITH_PLATFORM.fullmatch(text)
    if said is not None:
        return _on(platform, text, read_address(said[2], Platform(said[1].lower())))
    found = _with_platform(text) or _plain(text, platform)
    if found is None:
        what = "an account" if platform is None else f"an account of {PLATFORM_NAME[platform]}"
        raise AddressError(f"{clean(text)!r} is not a handle, an id or an address of {what}.")
    return _on(platform, text, found)


def _on(wanted: Platform | None, text: str, found: Address) -> Address:
    platform = found.platform
    if platform is not None and wanted is not None and platform is not wanted:
        names = f"an account of {PLATFORM_NAME[platform]}, not of {PLATFORM_NAME[wanted]}"
        raise AddressError(f"{clean(text)!r} names {names}.")
    return found


def _with_platform(text: str) -> Address | None:
    """The account of a text that itself tells the platform."""
    given = text.removeprefix(ID_PREFIX)
    for platform in Platform:
        if is_native_id(platform, given) and (given != text or platform is not Platform.X):
            return Address(platform, given, is_id=True)
    if given != text:
        return None
    if text.startswith("at://"):
        return _bluesky(unquote(text.removeprefix("at://").partition("/")[0]))
    if "/" in text:
        return _page(text)
    name = text.removeprefix("@")
    if is_handle(Platform.MASTODON, name):
        return _mastodon(name)
    return Address(Platform.BLUESKY, name) if is_handle(Platform.BLUESKY, name) else None


def _plain(text: str, platform: Platform | None) -> Address | None:
    """A handle that could be anybody's: the word that X takes for one."""
    name = text.removeprefix("@")
    is_it = platform in {None, Platform.X} and is_handle(Platform.X, name)
    return Address(platform, name) if is_it else None


def _page(text: str) -> Address | None:
    """The account of a web address, with or without its scheme."""
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        host, port, user = (url.hostname or "").lower(), url.port, url.username
    except ValueError:
        return None
    if url.scheme not in {"http", "https"} or user is not None or not host.isascii():
        return None
    parts = [unquote(part) for part in url.path.split("/") if part]
    if not parts:
        return None
    if host in _X_HOSTS:
        return _x_page(parts, url)
    if host in _BLUESKY_HOSTS:
        return _bluesky(parts[1]) if parts[0] == "profile" and len(parts) > 1 else None
    return _mastodon_page(parts, host if port is None else f"{host}:{port}")


def _x_page(parts: list[str], url: SplitResult) -> Address | None:
    asked = parse_qs(url.query, max_num_fields=20) if parts[:2] == ["intent", "user"] else {}
    native_id = parts[2] if parts[:2] == ["i", "user"] and len(parts) > 2 else asked.get("user_id", [""])[0]
    if is_native_id(Platform.X, native_id):
        return Address(Platform.X, native_id, is_id=True)
    name = asked.get("screen_name", [parts[0]])[0].removeprefix("@")
    if not is_handle(Platform.X, name) or name.lower() in _X_PAGES:
        return None
    return Address(Platform.X, name)


def _bluesky(name: str) -> Address | None:
    name = name.removeprefix("@")
    if is_native_id(Platform.BLUESKY, name):
        return Address(Platform.BLUESKY, name, is_id=True)
    return Address(Platform.BLUESKY, name) if is_handle(Platform.BLUESKY, name) else None


def _mastodon_page(parts: list[str], host: str) -> Address | None:
    """`/@name`, `/@name@elsewhere` (another server's page about an account), `/users/name`."""
    if parts[0].startswith("@"):
        name = parts[0].removeprefix("@")
    elif parts[0] == "users" and len(parts) > 1:
        name = parts[1]
    else:
        return None
    name = name if "@" in name else f"{name}@{host}"
    return _mastodon(name) if is_handle(Platform.MASTODON, name) else None


def _mastodon(handle: str) -> Address:
    name, _, host = handle.rpartition("@")
    return Address(Platform.MASTODON, f"{name}@{host.lower()}")
