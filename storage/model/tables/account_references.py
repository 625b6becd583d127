"""Pure: what a user writes for an account or a post: a handle, an id, or an address.

Whatever comes out has the form of an id or a handle of some platform, so that no other text travels any
further.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from storage.model.core.accounts import Platform
from storage.model.platforms.declaration import LONGEST_NAME, NamedAccount, PageAddress
from storage.model.platforms.registry import DECLARED
from storage.model.platforms.unread import UnreadSite, unread_site, with_parents
from storage.model.text.states import PLATFORM_NAME, clean

ID_PREFIX = "id:"
"""`id:12345` asks for an id: there are handles of digits only."""

_WITH_PLATFORM = re.compile(rf"({'|'.join(Platform)})\s+(.+)", re.IGNORECASE | re.DOTALL)


class AddressError(Exception):
    """The text names no account. The message is a clause that quotes it."""


class UnreadSiteError(AddressError):
    """The text is an address of a site that is not read."""

    def __init__(self, text: str, site: UnreadSite) -> None:
        super().__init__(f"{clean(text)!r} is an address {site.refusal}")
        self.site = site


@dataclass(frozen=True, slots=True)
class Address:
    """What a text names: a stable id (`is_id`), or the handle of an account or a post, which its platform has
    to resolve.

    `platform` is None when the text alone does not tell it: `NASA` may be a handle of several, or a mistake.
    """

    platform: Platform | None
    name: str
    is_id: bool = False


def is_native_id(platform: Platform, text: str) -> bool:
    """Whether `text` has the form of the ids that `platform` gives out."""
    return DECLARED[platform].is_native_id(text)


def is_handle(platform: Platform, text: str) -> bool:
    """Whether `text` has the form of a handle of `platform`, without a leading @."""
    return DECLARED[platform].is_handle(text)


def unread_site_of(platform: Platform, native_id: str) -> UnreadSite | None:
    """The site that is not read and that an id of a federated platform leads to; None: it may be read."""
    if not DECLARED[platform].is_federated:
        return None
    try:
        return unread_site(urlsplit(native_id).hostname or "")
    except ValueError:
        return None


def read_address(text: str, platform: Platform | None = None) -> Address:
    """The account that `text` names; `platform` is what was said beside it, None when nothing was.

    Raises AddressError when it names none, or one of another platform.
    """
    text = text.strip()
    if len(text) > LONGEST_NAME:
        raise AddressError(f"{clean(text)!r} is too long to name an account.")
    said = _WITH_PLATFORM.fullmatch(text)
    if said is not None:
        return _on(platform, text, read_address(said[2], Platform(said[1].lower())))
    found = _with_platform(text, platform) or _plain(text, platform)
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


def _with_platform(text: str, wanted: Platform | None) -> Address | None:
    """The account or post of a text that tells the platform, or that has the form of an id of `wanted`.

    A post is looked up by its handle, which its address gives: one that is gone would give none for its id.
    """
    given = text.removeprefix(ID_PREFIX)
    fit = [
        platform
        for platform, declared in DECLARED.items()
        if declared.is_native_id(given)
        and (given != text or (declared.ids_name_the_platform and not declared.is_post(given)))
    ]
    if fit:
        # Mere numbers may be ids of several: then it is the one beside it, or else the usual one.
        platform = min(fit, key=lambda one: (one is not wanted, not DECLARED[one].is_usual))
        if (site := unread_site_of(platform, given)) is not None:
            raise UnreadSiteError(text, site)
        return Address(platform, given, is_id=True)
    if given != text:
        return None
    for platform, declared in DECLARED.items():
        if (named := declared.named_by_uri(text)) is not None:
            return _of(platform, named)
    if "/" in text:
        return _page(text)
    name = text.removeprefix("@")
    for platform, declared in DECLARED.items():
        if declared.handles_name_the_platform and declared.is_handle(name):
            _, is_at, host = name.partition("@")
            if _is_under_a_site(host):
                return None
            _refuse_unread(text, host if is_at else "")
            return Address(platform, declared.usual_handle(name))
    return None


def _plain(text: str, platform: Platform | None) -> Address | None:
    """A handle that by itself could be one of several platforms, or the handle of a post."""
    name = text.removeprefix("@")
    if "/" in name:
        of = (p for p, d in DECLARED.items() if platform in {None, p} and d.is_post_handle(name))
        return next((Address(one, name) for one in of), None)
    plain = (p for p, declared in DECLARED.items() if not declared.handles_name_the_platform)
    is_it = any(platform in {None, p} and is_handle(p, name) for p in plain)
    return Address(platform, name) if is_it else None


def _page(text: str) -> Address | None:
    """The account of a web address, with or without its scheme."""
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
        host, port, user = (url.hostname or "").lower(), url.port, url.username
    except ValueError:
        return None
    path = tuple(unquote(part) for part in url.path.split("/") if part)
    if url.scheme not in {"http", "https"} or user is not None or not host.isascii() or not path:
        return None
    _refuse_unread(text, host)
    page = PageAddress(host, host if port is None else f"{host}:{port}", path, url.query)
    sites = [p for p, declared in DECLARED.items() if host in declared.sites]
    if not sites and _is_under_a_site(host):
        return None
    for platform in sites or [p for p, declared in DECLARED.items() if declared.is_federated]:
        if (named := DECLARED[platform].named_on_page(page)) is not None:
            return _of(platform, named)
    return None


def _is_under_a_site(host: str) -> bool:
    """Whether a host belongs to a platform with sites of its own, and so to no federated one."""
    return any(not declared.sites.isdisjoint(with_parents(host)) for declared in DECLARED.values())


def _refuse_unread(text: str, host: str) -> None:
    if (site := unread_site(host)) is not None:
        raise UnreadSiteError(text, site)


def _of(platform: Platform, named: NamedAccount) -> Address:
    return Address(platform, named.name, named.is_id)
