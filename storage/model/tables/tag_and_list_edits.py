"""Pure: valid tags and list names, and the outcome of an edit for each account."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from storage.model.text.states import clean

LONGEST_TAG = 40
LONGEST_LIST_NAME = 100
LONGEST_KEEPING = 36_500
"""The most days for which a list may keep evidence; without a limit otherwise."""
MOST_AT_ONCE = 10_000
"""The most accounts in one edit."""


class EditOutcome(StrEnum):
    """What an edit did to one account, or why it did nothing."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """The account was as requested already."""
    UNKNOWN_ACCOUNT = "unknown_account"
    CONTROL_ACCOUNT = "control_account"
    """A control account cannot be watched or be on a list."""
    NAMED_BY_ORDER = "named_by_order"
    """The order that the list belongs to names this account, and its figures count it."""

    NOT_ON_LIST = "not_on_list"
    """It cannot be moved from a list that it is not on."""
    ON_BOTH_LISTS = "on_both_lists"
    """It is on the list to which it would be moved."""

    @property
    def is_refusal(self) -> bool:
        return self not in {EditOutcome.DONE, EditOutcome.UNCHANGED}


OUTCOME_WORDS = {
    EditOutcome.DONE: "changed",
    EditOutcome.UNCHANGED: "unchanged",
    EditOutcome.UNKNOWN_ACCOUNT: "there is no such account",
    EditOutcome.CONTROL_ACCOUNT: "it is a control account, which cannot be watched or be on a list",
    EditOutcome.NAMED_BY_ORDER: "the order of this list names it",
    EditOutcome.NOT_ON_LIST: "it is not on the list that it would leave",
    EditOutcome.ON_BOTH_LISTS: "it is on the other list already, so remove it from the first one instead",
}


@dataclass(frozen=True, slots=True)
class Edited:
    """One account of an edit."""

    account_id: int
    outcome: EditOutcome
    tags: tuple[str, ...] = ()
    """After an edit of tags: all its tags."""


def tag_fault(tag: str) -> str | None:
    """Why this cannot be a tag, as a clause; None if it can."""
    if "," in tag:
        return f"tag {tag!r} holds a comma; separate tags by spaces or semicolons."
    if not tag or not tag.isprintable() or len(tag) > LONGEST_TAG:
        return f"tag {tag!r} must have 1 to {LONGEST_TAG} visible characters."
    if " " in tag or ";" in tag:
        return f"tag {tag!r} holds a space or a semicolon, which separate tags."
    return None


def tags_fault(add: Collection[str], remove: Collection[str]) -> str | None:
    """Why tags cannot be changed so, as a sentence; None if they can."""
    for tag in (*add, *remove):
        if (fault := tag_fault(tag)) is not None:
            return fault[:1].upper() + fault[1:]
    if both := sorted(set(add) & set(remove)):
        return f"A tag cannot be added and removed at once: {', '.join(both)}."
    return None if add or remove else "Name a tag to add or to remove."


def list_name_fault(name: str) -> str | None:
    """Why this cannot be the name of a list, as a message; None if it can."""
    if not name or clean(name, LONGEST_LIST_NAME) != name or ";" in name:
        return (
            f"{clean(name, LONGEST_LIST_NAME)!r} cannot be the name of a list. Use 1 to {LONGEST_LIST_NAME} "
            "visible characters on one line, without a semicolon."
        )
    return None
