"""What the readings behind a mail do not tell, and what its readers must not conclude from it."""

from collections.abc import Callable

from jobs.alerting.policy import AlertGroup
from storage.model.alerts.alerts import AlertChange
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Flag, Status

_BACK = {ChangeKind.RESTORATION, ChangeKind.RETURN}


def _on(platform: Platform, status: Status) -> Callable[[AlertChange], bool]:
    return lambda c: c.platform is platform and c.new.status is status


def _scope_unseen(change: AlertChange) -> bool:
    is_taken_down = _on(Platform.BLUESKY, Status.SUSPENDED)(change)
    return is_taken_down and not change.flags & {Flag.HOST, Flag.APP_VIEW_ONLY, Flag.SCOPE_UNANSWERED}


def _unclaimed(change: AlertChange) -> bool:
    """Gone, and nobody said who closed it. A deactivation on Bluesky is its owner's (documented)."""
    if change.kind is not ChangeKind.GONE or Flag.SUSPENDED_OR_DELETED in change.flags:
        return False
    return not _on(Platform.BLUESKY, Status.DEACTIVATED)(change)


_ALWAYS = "When a change happened within its interval: there was no conclusive reading in between."
_UNKNOWN: tuple[tuple[Callable[[AlertChange], bool], str], ...] = (
    (
        lambda c: c.last_seen_old is None,
        "How long before the first reading a change marked “on or before” happened.",
    ),
    (
        lambda c: Flag.PARTLY_FIRST_SEEN in c.flags,
        "Since when an account has been withheld in a country that no earlier answer mentioned; it may "
        "always have been. The interval shown is that of the other changes.",
    ),
    (
        _on(Platform.X, Status.WITHHELD),
        "Who asked for an account to be withheld, and on what grounds: the platform names only countries.",
    ),
    (
        _on(Platform.BLUESKY, Status.WITHHELD),
        "Who asked for an account to be restricted, and on what grounds. Apps other than Bluesky's own "
        "may show it there.",
    ),
    (
        _on(Platform.X, Status.SUSPENDED),
        "Why an account was suspended: the platform does not say.",
    ),
    (
        _on(Platform.BLUESKY, Status.SUSPENDED),
        "Why an account was taken down: the platform does not say.",
    ),
    (_scope_unseen, "Whether its server or Bluesky took an account down: the answers do not say."),
    (
        lambda c: Flag.SCOPE_UNANSWERED in c.flags,
        "Whether its server or Bluesky took an account down: its server, or the directory that leads to it, "
        "did not say. Blockline asks again, and the account's page will show the answer.",
    ),
    (
        lambda c: Flag.TEMPORARY in c.flags,
        "Why an account was suspended, and for how long: its server does not say.",
    ),
    (
        lambda c: Flag.SUSPENDED_OR_DELETED in c.flags,
        "Whether its server suspended an account or its owner deleted it: Mastodon does not say.",
    ),
    (_unclaimed, "Who closed an account that is gone: its owner or the platform."),
    (lambda c: c.kind in _BACK, "Who brought an account back, and why."),
)


def unknown(wave: AlertGroup) -> list[str]:
    """What the readings behind this mail do not tell."""
    changes = [a.change for a in wave.alerts]
    return [_ALWAYS, *(line for holds, line in _UNKNOWN if any(map(holds, changes)))]


def not_claimed(wave: AlertGroup) -> list[str]:
    """What a reader might conclude and this mail does not say."""
    lines = ["That accounts not in this email are unaffected."]
    if wave.cohort and wave.cohort.order:
        lines.insert(0, "That the order is the cause: it names these accounts, and nothing more was seen.")
    return lines
