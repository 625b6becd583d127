"""Pure: whether a restriction that an answer no longer shows was lifted, by the list of its labeler.

A server may name a labeler as heard and leave out its labels. So an answer without any label of a labeler
proves no lift. The second source is the labeler's own list (`com.atproto.label.queryLabels`), which keeps a
label that was withdrawn, marked as such (measured).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from collectors.bluesky.wire.errors import open_answer
from collectors.bluesky.wire.identity import moment
from collectors.bluesky.wire.labels import Labelers, lasts, sources, subjects
from collectors.core.collector import CollectorAnswer, Exchange
from collectors.core.wire import is_array, is_object
from storage.model.core.availability import BY_COUNTRY, Missed, MissedReason, Reading

QUERY_LABELS = "com.atproto.label.queryLabels"


@dataclass(frozen=True, slots=True)
class UnprovenLift:
    """One answer of the app shows no label of `labeler`, although it is known to restrict an account or post
    in the answer.

    `native_ids` are all accounts or posts in the answer: it is not known for any of them whether their labels
    were served. `is_batch` is true for an answer about many, and false for one about an account alone.
    """

    labeler: str
    native_ids: tuple[str, ...]
    is_batch: bool

    @property
    def subjects(self) -> tuple[str, ...]:
        """What the labels in question may be about."""
        return tuple(dict.fromkeys(one for native_id in self.native_ids for one in subjects(native_id)))


@dataclass(frozen=True, slots=True)
class LabelPage:
    """One page of a labeler's list, and the cursor of the next; None when this is the last."""

    labels: list[object]
    next_cursor: str | None


def unproven_lifts(
    answer: CollectorAnswer, withheld_in: Mapping[str, frozenset[str]], labelers: Labelers
) -> tuple[UnprovenLift, ...]:
    """The lifts that an answer shows without proof; `withheld_in` has the known restrictions by native id."""
    readings = {r.native_id: r for r in answer.readings if r.state.status in BY_COUNTRY}
    found: list[UnprovenLift] = []
    for exchange in answer.exchanges:
        items, is_batch = _shown(exchange)
        names = (item.get("uri", item.get("did")) for item in items)
        shown = [name for name in names if isinstance(name, str) and name in readings]
        lifted = {
            labelers.regions[country]
            for name in shown
            for country in withheld_in.get(name, frozenset()) & labelers.regions.keys()
            if country not in {*readings[name].state.withheld_in, *readings[name].silent_on}
        }
        found += (
            UnprovenLift(labeler, tuple(dict.fromkeys(shown)), is_batch)
            for labeler in sorted(lifted - sources(items))
        )
    return tuple(found)


def read_label_page(answer: Exchange) -> LabelPage | None:
    """A page of a labeler's list; None for an answer that is none. Never raises."""
    document = open_answer(answer)
    labels = document.get("labels") if is_object(document) else None
    if not is_object(document) or not is_array(labels):
        return None
    cursor = document.get("cursor")
    return LabelPage(labels, cursor if isinstance(cursor, str) and labels else None)


def settled(
    answer: CollectorAnswer, lift: UnprovenLift, pages: Sequence[Exchange], labelers: Labelers
) -> CollectorAnswer:
    """An answer after its labeler was asked; `pages` is its whole list, empty when it could not be asked.

    Where the list proves nothing, the answer says nothing of the labeler's countries. An account that the
    list restricts and the app does not is missed: the two contradict each other.
    """
    listed = in_force(pages, lift.labeler, labelers.values)
    countries = frozenset(c for c, labeler in labelers.regions.items() if labeler == lift.labeler)
    readings: list[Reading] = []
    missed: list[Missed] = []
    for r in answer.readings:
        of_it = subjects(r.native_id) if r.native_id in lift.native_ids else ()
        if not of_it or (listed is not None and listed.isdisjoint(of_it)):
            readings.append(r)
        elif listed is not None:
            said = "the app shows no label where the labeler's own list has one"
            missed.append(Missed(r.native_id, r.at, MissedReason.CONTRADICTORY, said))
        elif lift.is_batch:
            readings.append(replace(r, silent_on=r.silent_on | countries))
        else:
            said = "no label is shown, and its labeler does not say whether there is none"
            missed.append(Missed(r.native_id, r.at, MissedReason.UNHEARD, said))
    return replace(
        answer,
        readings=tuple(readings),
        missed=(*answer.missed, *missed),
        exchanges=(*answer.exchanges, *pages),
    )


def in_force(pages: Sequence[Exchange], labeler: str, values: Collection[str]) -> frozenset[str] | None:
    """The DIDs and addresses of posts that bear a label with one of these `values`, by the list of a labeler.
    None when the list proves nothing.

    Of several rows about one label the newest counts. A list without any row proves nothing: whoever leaves
    out labels in one answer may do so in the other.
    """
    newest: dict[tuple[str, str], tuple[datetime, bool]] = {}
    for label, at in _rows(pages):
        if not is_object(label) or label.get("src") != labeler:
            continue
        uri, val, made = label.get("uri"), label.get("val"), moment(label.get("cts"))
        holds = lasts(label, at)
        if not isinstance(uri, str) or not isinstance(val, str) or made is None or holds is None:
            return None
        if (uri, val) not in newest or made >= newest[uri, val][0]:
            newest[uri, val] = made, holds and not label.get("neg")
    if not newest:
        return None
    return frozenset(uri for (uri, val), (_, holds) in newest.items() if holds and val in values)


def _shown(answer: Exchange) -> tuple[list[dict[str, object]], bool]:
    """The profiles or posts in an answer of the app, and whether it is one about many."""
    document = open_answer(answer)
    many = document.get("profiles", document.get("posts")) if is_object(document) else None
    items = many if is_array(many) else [document]
    return [item for item in items if is_object(item)], is_array(many)


def _rows(pages: Sequence[Exchange]) -> Iterable[tuple[object, datetime]]:
    for answer in pages:
        page = read_label_page(answer)
        yield from ((label, answer.at) for label in (page.labels if page is not None else ()))
