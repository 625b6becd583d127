"""Pure: the labelers that are asked to speak, which of them were heard, and what their labels mean.

A regional labeler keeps an account or a post from the people of its region, in Bluesky's own app only; other
apps still show it. That is what "withheld" means on Bluesky.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from collectors.bluesky.declaration import repo_of
from collectors.bluesky.wire.identity import is_did, moment
from collectors.core.wire import WireFault, is_array, is_object, printable
from storage.model.core.availability import MissedReason

_NO_UNAUTHENTICATED = "!no-unauthenticated"
_is_country = re.compile(r"[A-Z]{2}").fullmatch


@dataclass(frozen=True, slots=True)
class Labelers:
    """Who is asked to speak: the main labeler everywhere, `regions` (code to DID) each for its own.

    `values` are the labels by which a regional labeler withholds. Raises ValueError, with a sentence for
    the operator, for what cannot be asked.
    """

    main: str
    regions: Mapping[str, str]
    values: frozenset[str]

    def __post_init__(self) -> None:
        for country in self.regions:
            if _is_country(country) is None:
                raise ValueError(f"{printable(country)!r} is not a country code of two capital letters")
        for did in (self.main, *self.regions.values()):
            if not is_did(did):
                raise ValueError(f"{printable(did)!r} is not the DID of a labeler")
        # The main labeler may remove accounts from answers. A region that could would look like a takedown.
        if self.main in self.regions.values():
            raise ValueError("the main labeler cannot also be the labeler of a region")

    @property
    def accept_header(self) -> str:
        """The value of `atproto-accept-labelers`. It replaces Bluesky's default, so it names the main
        labeler again; only that one gets `redact` (measured: on a region it fakes a takedown).
        """
        return ", ".join((f"{self.main};redact", *dict.fromkeys(self.regions.values())))

    def silent(self, content_labelers: str | None) -> frozenset[str]:
        """The regions whose labeler was not heard, by the header `atproto-content-labelers` of an answer.

        Bluesky ignores an unknown or unreachable labeler without a word (measured).
        """
        heard = {item.partition(";")[0].strip() for item in (content_labelers or "").split(",")}
        return frozenset(country for country, did in self.regions.items() if did not in heard)


@dataclass(frozen=True, slots=True)
class Labels:
    """What the labels on an account or a post mean. `withheld_in` is sorted."""

    withheld_in: tuple[str, ...]
    signed_in_only: bool
    """The owner asks that it be shown to signed-in people only. Nobody is kept out by it (measured)."""


def read_labels(labels: object, subject: str, labelers: Labelers, at: datetime) -> Labels | WireFault:
    """What the labels of `subject`, a DID or the address of a post, say about it at `at`. Never raises.

    When a label that may be a regional one cannot be read, nothing is concluded: to pass it over would
    show a withheld account as restored.
    """
    if not is_array(labels):
        return WireFault(MissedReason.MALFORMED, "labels is not an array")
    if not labels:
        return Labels((), signed_in_only=False)
    given: set[tuple[str, str]] = set()
    withdrawn: set[tuple[str, str]] = set()
    signed_in_only = False
    for label in labels:
        src = label.get("src") if is_object(label) else None
        if not is_object(label) or not isinstance(src, str):
            return WireFault(MissedReason.MALFORMED, "a label does not name its labeler")
        signed_in_only = signed_in_only or _asks_for_signed_in(label, subject)
        if src not in labelers.regions.values():
            continue
        uri, val, holds = label.get("uri"), label.get("val"), lasts(label, at)
        if not isinstance(uri, str) or not isinstance(val, str) or holds is None:
            return WireFault(MissedReason.MALFORMED, "a label of a regional labeler cannot be read")
        # A label on one of its posts or on the profile alone does not keep the account from anybody.
        if uri == subject and holds:
            (withdrawn if label.get("neg") else given).add((src, val))
    if given & withdrawn:
        return WireFault(
            MissedReason.CONTRADICTORY, "the same label is both applied and withdrawn in one answer"
        )
    sources = {src for src, val in given if val in labelers.values}
    countries = sorted(country for country, labeler in labelers.regions.items() if labeler in sources)
    return Labels(tuple(countries), signed_in_only)


def _asks_for_signed_in(label: dict[str, object], did: str) -> bool:
    own = label.get("src") == did and label.get("uri") in (did, f"at://{did}/app.bsky.actor.profile/self")
    return own and label.get("val") == _NO_UNAUTHENTICATED and not label.get("neg")


def labelled(items: Iterable[object]) -> list[dict[str, object]]:
    """The parts of an answer that may bear labels: profiles, posts, and the authors of posts."""
    found = [item for item in items if is_object(item)]
    return [*found, *(author for item in found if is_object(author := item.get("author")))]


def subjects(native_id: str) -> tuple[str, ...]:
    """What a label that withholds an account or a post may be about: itself, or the author of the post."""
    return tuple(dict.fromkeys((native_id, repo_of(native_id))))


def sources(items: Iterable[object]) -> frozenset[str]:
    """Whose labels the items of an answer bear, whatever they are about: these labelers were heard."""
    labels = (part.get("labels") for part in labelled(items))
    found = (label.get("src") for each in labels if is_array(each) for label in each if is_object(label))
    return frozenset(src for src in found if isinstance(src, str))


def lasts(label: dict[str, object], at: datetime) -> bool | None:
    """Whether a label, or its withdrawal, has not expired; None when it cannot be read."""
    withdraws, ends = label.get("neg"), label.get("exp")
    if not (withdraws is None or isinstance(withdraws, bool)):
        return None
    if ends is None:
        return True
    ends_at = moment(ends)
    return None if ends_at is None else at < ends_at
