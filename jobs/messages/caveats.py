"""What the readings behind a mail do not tell, and what its readers must not conclude from it."""

from collections.abc import Callable, Sequence

from jobs.alerting.policy import AlertGroup
from storage.model.alerts.alerts import AlertChange, count_targets
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Flag, Status
from storage.model.platforms.declaration import Unknown
from storage.model.platforms.registry import DECLARED

_Caveats = tuple[tuple[Callable[[AlertChange], bool], str], ...]
"""Sentences with the changes that they are about. “{one}” stands for what changed: “an account or a post”."""
_BACK = {ChangeKind.RESTORATION, ChangeKind.RETURN}


def _unclaimed(change: AlertChange) -> bool:
    """Gone, and nobody said who closed it."""
    if change.kind is not ChangeKind.GONE or Flag.SUSPENDED_OR_DELETED in change.flags:
        return False
    is_deactivated = change.new.status is Status.DEACTIVATED
    return not (is_deactivated and DECLARED[change.platform].deactivation_is_the_owners)


_ALWAYS = "When a change happened within its interval: there was no conclusive reading in between."
_OF_TIMES: _Caveats = (
    (
        lambda c: c.last_seen_old is None,
        "How long before the first reading a change marked “on or before” happened.",
    ),
    (
        lambda c: Flag.PARTLY_FIRST_SEEN in c.flags,
        "Since when {one} has been withheld in a country that no earlier answer mentioned; it may "
        "always have been. The interval shown is that of the other changes.",
    ),
)
_OF_ACTORS: _Caveats = (
    (
        lambda c: c.new.status.is_blocked,
        "The cause: no reading shows one. Causes that were stated are on the page of {one}.",
    ),
    (
        lambda c: not c.is_post and _unclaimed(c),
        "Who closed an account that is gone: its owner or the platform.",
    ),
    (lambda c: c.is_post and _unclaimed(c), "Who removed a post that is gone: its author or the platform."),
    (lambda c: c.kind in _BACK, "Who brought {one} back, and why."),
)


def unknown(wave: AlertGroup) -> list[str]:
    """What the readings behind this mail do not tell."""
    changes = [a.change for a in wave.alerts]
    of_platforms = [
        _said(unknown.sentence, about)
        for platform, declared in DECLARED.items()
        for unknown in declared.unknown
        if (about := [c for c in changes if _is_about(c, platform, unknown)])
    ]
    return [_ALWAYS, *_lines(_OF_TIMES, changes), *of_platforms, *_lines(_OF_ACTORS, changes)]


def _lines(of: _Caveats, changes: Sequence[AlertChange]) -> list[str]:
    said = [(line, [c for c in changes if holds(c)]) for holds, line in of]
    return [line.format(one=_one(about)) for line, about in said if about]


def _is_about(change: AlertChange, platform: Platform, unknown: Unknown) -> bool:
    return change.platform is platform and unknown.is_about(change.new.status, change.flags)


def _said(sentence: str, about: Sequence[AlertChange]) -> str:
    """A platform's sentence, which it wrote about an account."""
    if not any(c.is_post for c in about):
        return sentence
    return sentence.replace("an account", _one(about)).replace("the account's page", "its page")


def _one(changes: Sequence[AlertChange]) -> str:
    kinds = {c.is_post for c in changes}
    return " or ".join("a post" if is_post else "an account" for is_post in sorted(kinds))


def not_claimed(wave: AlertGroup, *, with_posts: bool = False) -> list[str]:
    """What a reader might conclude and this mail does not say. `with_posts`: another part reports posts."""
    count = count_targets(a.change for a in wave.alerts)
    others = "accounts and posts" if with_posts or count.posts else "accounts"
    lines = [f"That {others} not in this email are unaffected."]
    if wave.cohort and wave.cohort.order:
        lines.insert(
            0, f"That the order is the cause: it names these {count.kinds}, and nothing more was seen."
        )
    return lines
