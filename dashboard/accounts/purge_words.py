"""What a purge would remove, has removed and keeps, in sentences. Pure."""

from storage.model.text.states import handle_name
from storage.model.text.units import number
from storage.purge.deliberate_purge import PurgeSubject
from storage.purge.purge import Purged

CONTENT = "The id, statuses, changes and their times stay."
WHOLE = "Its changes go too. What is left is a number that identifies no one."
CANNOT_BE_UNDONE = "A purge cannot be undone. Only an earlier backup still has the data."


def purge_name(subject: PurgeSubject) -> str:
    """Name the account for a person: handle and id."""
    return f"{handle_name(subject.handle)} ({subject.native_id})"


def removed_rows(purged: Purged) -> list[tuple[str, int]]:
    """Return what is removed, each with its count."""
    rows = [
        *([("Posts", purged.posts)] if purged.posts else []),
        ("Pieces of evidence", purged.evidence),
        ("Handles", purged.handles),
        ("Side facts", purged.facts),
        ("Emails in which it is named", purged.mails),
    ]
    if purged.whole:
        rows += [("Changes", purged.changes), ("Engagements of executives", purged.signals)]
    return rows


def preview_sentences(name: str, preview: Purged) -> list[str]:
    """Say what a purge would remove and what it would keep."""
    watched = " It would no longer be watched." if preview.was_watched else ""
    removed = f"A purge of {name} would remove: {_removed(preview)}.{watched}"
    return [removed, f"It would keep: {_kept(preview)}."]


def purge_sentences(name: str, purged: Purged) -> list[str]:
    """Say what a purge removed and what it kept."""
    watched = " It is no longer watched." if purged.was_watched else ""
    completely = " completely" if purged.whole else ""
    return [f"{name} is purged{completely}. Removed: {_removed(purged)}.{watched}", f"Kept: {_kept(purged)}."]


def _removed(purged: Purged) -> str:
    content = ", ".join(
        (
            number(purged.evidence, "piece") + " of evidence",
            number(purged.handles, "handle"),
            number(purged.facts, "side fact"),
            number(purged.mails, "email"),
        )
    )
    if purged.posts:
        content += f", of it and of {number(purged.posts, 'post')}"
    if not purged.whole:
        return content
    signals = f"{number(purged.signals, 'engagement')} of executives"
    return f"{number(purged.changes, 'change')}, {content}, {signals}"


def _kept(purged: Purged) -> str:
    if purged.whole:
        return (
            f"the meaningless name {purged.native_id} in the proof of readings, and the hashes of its "
            "changes in the hash chain"
        )
    kept = f"{number(purged.changes, 'change')} and {number(purged.signals, 'engagement')} of executives"
    return f"its id, {kept} with their times, and the SHA-256 of each piece of evidence"
