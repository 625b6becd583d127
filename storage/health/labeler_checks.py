"""Issues of the labelers whose labels are collected: not received, possibly missing, or not signed."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from storage.countries.label_census import LabelerStatus
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind
from storage.model.core.accounts import Platform
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, quoted
from storage.model.text.units import number

ABOUT_LABELERS: Final = frozenset(
    {ConditionKind.LABELS_UNHEARD, ConditionKind.LABELS_MISSING, ConditionKind.LABELS_REFUSED}
)
UNHEARD_FOR: Final = timedelta(minutes=15)
"""A stream is connected again within seconds, unless its labeler is down."""
MISSING_FOR: Final = timedelta(hours=1)
"""A list of some hundred thousand labels is read in less."""
REFUSED_WITHIN: Final = timedelta(days=1)

_UNHEARD_TO_DO: Final = (
    "Blockline connects again by itself, and the stream then sends what was missed. If this lasts, check "
    "that the labeler still exists, and that this machine can reach it."
)
_MISSING_TO_DO: Final = (
    "Blockline tries to read the whole list again by itself. As long as the labeler refuses to list "
    "everything, it is not known whether labels are missing."
)
_REFUSED_TO_DO: Final = (
    "They count as no labels. The table refused_label has what was received. Ask the operators of the "
    "labeler whether they changed their key."
)


def labeler_checks(found: Iterable[LabelerStatus], now: datetime) -> list[Condition]:
    """Of each labeler that is collected: whether it is heard, whole and sound."""
    return [
        condition
        for one in found
        if one.ended_at is None
        for condition in (_unheard(one, now), _missing(one, now), _refused(one, now))
        if condition is not None
    ]


def labeler_ending(key: ConditionKey, found: Sequence[LabelerStatus]) -> str | None:
    """The state when one of these issues is over; None for any other issue."""
    if key.kind not in ABOUT_LABELERS:
        return None
    one = next((each for each in found if each.labeler == key.place and each.ended_at is None), None)
    if one is None:
        return "The labels of this labeler are no longer collected"
    match key.kind:
        case ConditionKind.LABELS_UNHEARD:
            return f"The stream of {_name(one)} is connected again"
        case ConditionKind.LABELS_MISSING:
            return f"The whole list of {_name(one)} was read"
        case _:
            return f"No further label that {_name(one)} did not sign was received for a day"


def _unheard(one: LabelerStatus, now: datetime) -> Condition | None:
    since = one.heard_at or one.began_at
    if now - since <= UNHEARD_FOR:
        return None
    what = "were never received" if one.heard_at is None else "are not received"
    return Condition(
        _key(ConditionKind.LABELS_UNHEARD, one),
        since,
        f"Labels of {_name(one)} {what}",
        quoted(one.lost_why),
        _UNHEARD_TO_DO,
    )


def _missing(one: LabelerStatus, now: datetime) -> Condition | None:
    if one.gap_at is None or now - one.gap_at <= MISSING_FOR:
        return None
    return Condition(
        _key(ConditionKind.LABELS_MISSING, one),
        one.gap_at,
        f"Labels of {_name(one)} may be missing: its stream had a gap, and its list was not read whole since",
        quoted(one.unlisted_why),
        _MISSING_TO_DO,
    )


def _refused(one: LabelerStatus, now: datetime) -> Condition | None:
    newest = one.newest_refused_at
    if newest is None or now - newest > REFUSED_WITHIN:
        return None
    are = "is" if one.refused == 1 else "are"
    return Condition(
        _key(ConditionKind.LABELS_REFUSED, one),
        newest,
        f"{number(one.refused, 'label')} from {_name(one)} {are} kept apart: no key of it signed them",
        f"{one.refused_dropped:,} more were received and are no longer kept." if one.refused_dropped else "",
        _REFUSED_TO_DO,
    )


def _key(kind: ConditionKind, one: LabelerStatus) -> ConditionKey:
    return ConditionKey(kind, Platform(one.platform), one.labeler)


def _name(one: LabelerStatus) -> str:
    """ "the Bluesky labeler for Türkiye (TR)"."""
    where = country_name(one.country)
    code = f" ({one.country})" if where != one.country else ""
    return f"the {PLATFORM_NAME[Platform(one.platform)]} labeler for {where}{code}"
