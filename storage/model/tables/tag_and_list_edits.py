"""Pure: what may be a tag or the name of a list, and what an edit of many accounts did to each of them."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from storage.model.text.states import clean

LONGEST_TAG = 40
LONGEST_LIST_NAME = 100
MOST_AT_ONCE = 10_000
"""Accounts that one edit names."""


class EditOutcome(StrEnum):
    """What an edit did to one account, or why it did nothing."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """It was so already."""
    UNKNOWN_ACCOUNT = "unknown_account"
    CONTROL_ACCOUNT = "control_account"
    """An account is on a list or a control account, never both."""
    NAMED_BY_ORDER = "named_by_order"
    """A name of the order that the list belongs to is this account: the order's figures rest on it."""

    @property
    def is_refusal(self) -> bool:
        return self not in {EditOutcome.DONE, EditOutcome.UNCHANGED}


OUTCOME_WORDS = {
    EditOutcome.DONE: "changed",
    EditOutcome.UNCHANGED: "was so already",
    EditOutcome.UNKNOWN_ACCOUNT: "there is no such account",
    EditOutcome.CONTROL_ACCOUNT: "it is a control account, which is on no list",
    EditOutcome.NAMED_BY_ORDER: "the order that the list belongs to names it",
}


@dataclass(frozen=True, slots=True)
class Edited:
    """One account of an edit."""

    account_id: int
    outcome: EditOutcome
    tags: tuple[str, ...] = ()
    """After an edit of tags: those that it has."""


def tag_fault(tag: str) -> str | None:
    """Why this cannot be a tag, as a clause; None when it can."""
    if "," in tag:
        return f"tag {tag!r} holds a comma; separate tags by spaces or semicolons."
    if not tag or not tag.isprintable() or len(tag) > LONGEST_TAG:
        return f"tag {tag!r} is not 1 to {LONGEST_TAG} characters that can be seen."
    if " " in tag or ";" in tag:
        return f"tag {tag!r} holds a space or a semicolon, which separate tags."
    return None


def tags_fault(add: Collection[str], remove: Collection[str]) -> str | None:
    """Why tags cannot be changed so, as a sentence; None when they can."""
    for tag in (*add, *remove):
        if (fault := tag_fault(tag)) is not None:
            return fault[:1].upper() + fault[1:]
    if both := sorted(set(add) & set(remove)):
        return f"{', '.join(both)}: it cannot be added and removed at once."
    return None if add or remove else "Say which tags to add or to remove."


def list_name_fault(name: str) -> str | None:
    """Why this cannot be the name of a list, as a sentence; None when it can."""
    if not name or clean(name, LONGEST_LIST_NAME) != name or ";" in name:
        return (
            f"{clean(name, LONGEST_LIST_NAME)!r} is no name for a list: 1 to {LONGEST_LIST_NAME} characters "
            "that can be seen, on one line, without a semicolon."
        )
    return None
