"""What the readings behind a mail do not tell, and what its readers must not conclude from it."""

from collections.abc import Callable, Sequence

from jobs.alerting.policy import AlertGroup
from storage.model.alerts.alerts import AlertChange
from storage.model.core.availability import ChangeKind, Flag, Status
from storage.model.platforms.registry import DECLARED

_Caveats = tuple[tuple[Callable[[AlertChange], bool], str], ...]
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
        "Since when an account has been withheld in a country that no earlier answer mentioned; it may "
        "always have been. The interval shown is that of the other changes.",
    ),
)
_OF_ACTORS: _Caveats = (
    (_unclaimed, "Who closed an account that is gone: its owner or the platform."),
    (lambda c: c.kind in _BACK, "Who brought an account back, and why."),
)


def unknown(wave: AlertGroup) -> list[str]:
    """What the readings behind this mail do not tell."""
    changes = [a.change for a in wave.alerts]
    of_platforms = [
        unknown.sentence
        for platform, declared in DECLARED.items()
        for unknown in declared.unknown
        if any(c.platform is platform and unknown.is_about(c.new.status, c.flags) for c in changes)
    ]
    return [_ALWAYS, *_lines(_OF_TIMES, changes), *of_platforms, *_lines(_OF_ACTORS, changes)]


def _lines(of: _Caveats, changes: Sequence[AlertChange]) -> list[str]:
    return [line for holds, line in of if any(map(holds, changes))]


def not_claimed(wave: AlertGroup) -> list[str]:
    """What a reader might conclude and this mail does not say."""
    lines = ["That accounts not in this email are unaffected."]
    if wave.cohort and wave.cohort.order:
        lines.insert(0, "That the order is the cause: it names these accounts, and nothing more was seen.")
    return lines
