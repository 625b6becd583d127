"""Pure: a history told again as if it had happened on another platform.

The status histories that exist are of X. To try the collectors of the other platforms on them, every
account gets an id and handles as its new platform gives them, and keeps its states, their times and its
lists. Which of these states the new platform shows is decided where it always is, in `history.visible`.
"""

import re
from base64 import b32encode
from hashlib import blake2b
from typing import Final

from collectors.simulator.core.history import History, HistoryAccount, settled
from storage.model.core.accounts import Platform

HOSTS: Final = ("mastodon.example", "social.example")
"""The servers of Mastodon among which accounts are spread."""

_DOMAIN: Final = ".test"
"""Of every handle that is made up for Bluesky; no network hands it out."""

_UNFIT: Final = {
    Platform.X: re.compile(r"[^A-Za-z0-9_]"),
    Platform.BLUESKY: re.compile(r"[^a-z0-9-]"),
    Platform.MASTODON: re.compile(r"[^A-Za-z0-9_]"),
}
_SEPARATOR: Final = {Platform.X: "_", Platform.BLUESKY: "-", Platform.MASTODON: "_"}
_MOST_LETTERS: Final = {Platform.X: 15, Platform.BLUESKY: 63, Platform.MASTODON: 30}


def recast(history: History, platform: Platform) -> History:
    """Every account of the history as an account of `platform`; those that are there already stay as they
    are. The same history is always told in the same way.
    """
    return History(_all_on(platform, history), history.notes)


def recast_all(history: History) -> History:
    """Every account of the history on each of the three platforms."""
    accounts = tuple(account for platform in Platform for account in _all_on(platform, history))
    return History(accounts, history.notes)


def _all_on(platform: Platform, history: History) -> tuple[HistoryAccount, ...]:
    there = [account for account in history.accounts if account.platform is platform]
    taken = {account.handles[0].partition("@")[0].lower() for account in there}
    accounts: list[HistoryAccount] = []
    for account in history.accounts:
        if account.platform is platform:
            accounts.append(account)
            continue
        digest = blake2b(f"{platform}|{account.native_id}".encode(), digest_size=16).digest()
        if platform is Platform.MASTODON:
            accounts.append(_on_mastodon(account, digest, taken))
        else:
            native_id = _number(digest) if platform is Platform.X else _did(digest)
            accounts.append(_moved(account, platform, native_id, digest))
    return tuple(accounts)


def _on_mastodon(account: HistoryAccount, digest: bytes, taken: set[str]) -> HistoryAccount:
    """A name on Mastodon is part of the account's address and lasts: the first one is kept."""
    name = _name(account.handles[0], account.platform, Platform.MASTODON, digest)
    if name.lower() in taken:
        name = _marked(name, Platform.MASTODON, digest)
    taken.add(name.lower())
    host = HOSTS[digest[0] % len(HOSTS)]
    seen = [(at, state, f"{name}@{host}") for at, state in zip(account.times, account.states, strict=True)]
    native_id = f"https://{host}/users/{name}#{_number(digest)}"
    return settled(Platform.MASTODON, native_id, seen, account.lists)


def _moved(account: HistoryAccount, platform: Platform, native_id: str, digest: bytes) -> HistoryAccount:
    names = {handle: _name(handle, account.platform, platform, digest) for handle in set(account.handles)}
    ending = _DOMAIN if platform is Platform.BLUESKY else ""
    seen = [
        (at, account.at(at), names[account.handle_at(at)] + ending)
        for at in sorted({*account.times, *account.handle_times})
    ]
    return settled(platform, native_id, seen, account.lists)


def _name(handle: str, old: Platform, new: Platform, digest: bytes) -> str:
    """A name that `new` allows. One that had to be changed is marked, so that two never become one."""
    whole = handle.removesuffix(_DOMAIN) if old is Platform.BLUESKY else handle
    if new is Platform.BLUESKY:
        whole = whole.lower()
    name = _UNFIT[new].sub(_SEPARATOR[new], whole.partition("@")[0]).strip("-")[: _MOST_LETTERS[new]]
    return name if name == whole else _marked(name, new, digest + whole.encode())


def _marked(name: str, platform: Platform, seed: bytes) -> str:
    mark = blake2b(seed, digest_size=3).hexdigest()
    return f"{name[: _MOST_LETTERS[platform] - 7]}{_SEPARATOR[platform]}{mark}".lstrip("-")


def _number(digest: bytes) -> str:
    """Eighteen digits: fewer than the ids of control accounts have on X, more than on Mastodon."""
    return str(10**17 + int.from_bytes(digest, "big") % (9 * 10**17))


def _did(digest: bytes) -> str:
    return "did:plc:" + b32encode(digest[:15]).decode().lower()
