"""The form of a cause: its fields, and the cause that was filled in. Pure."""

from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.ui.form_input import Filled, WrongInput
from dashboard.ui.forms import choice, file_field, line
from dashboard.ui.pages import number_in
from storage.causes.cause_documents import CauseDocument, given_document
from storage.model.causes.causes import (
    USUAL_CONFIDENCE,
    CauseKind,
    CauseSource,
    CauseSubject,
    CauseText,
    Confidence,
)
from storage.model.causes.causes_csv import said_on, word
from storage.model.causes.words import KIND_WORDS, SOURCE_WORDS
from storage.model.tables.csv_cells import CellError
from storage.model.text.states import capital
from storage.orders.order_edits import LARGEST_DOCUMENT

MOST_AT_ONCE = 5_000
"""Accounts or posts for which one form records a cause."""
_PLATFORM = CauseSource.PLATFORM_NOTICE.value
_BY_SOURCE = ""
"""The choice that leaves the confidence to the source."""
LABELS: Mapping[str, str] = {
    "speaker": "Name of the person, paper or court",
    "source": "Document: an address or a name",
    "stated_on": "Date",
    "legal_basis": "Law",
    "disputed_by": "Disputed by",
    "note": "Note",
}
"""The labels of the fields with a text."""
DOCUMENT_FILE = "File of the document"
"""The label of the field with a file."""


def cause_fields(before: CauseText | None, about: Mapping[str, str]) -> list[Component]:
    """The fields, with `before` in them, or empty. `about` are the things that it can be about, by value and
    words; a correction has none.
    """
    kinds = {kind.value: capital(said) for kind, said in KIND_WORDS.items()}
    sources = {source.value: capital(said) for source, said in SOURCE_WORDS.items()}
    sure = {_BY_SOURCE: "By the source", **{one.value: capital(one.value) for one in Confidence}}
    day = "" if before is None else f"{before.stated_on:%Y-%m-%d}"
    value = {name: "" if before is None else getattr(before, name) for name in LABELS} | {"stated_on": day}
    return [
        *([choice("about", "About", dict(about), next(iter(about)))] if about else []),
        choice("kind", "Cause", kinds, (CauseKind.GOVERNMENT_ORDER if before is None else before.kind).value),
        choice("said_by", "Said by", sources, _PLATFORM if before is None else before.said_by.value),
        line(
            "speaker",
            LABELS["speaker"],
            "required for the press, courts and analysts",
            value=value["speaker"],
        ),
        line("source", LABELS["source"], "https://… or notice.pdf", required=True, value=value["source"]),
        file_field("document", DOCUMENT_FILE, LARGEST_DOCUMENT),
        line("stated_on", LABELS["stated_on"], "2021-02-04", required=True, value=value["stated_on"]),
        line("legal_basis", LABELS["legal_basis"], "Section 69A IT Act", value=value["legal_basis"]),
        choice("confidence", "Confidence", sure, _BY_SOURCE if before is None else before.confidence.value),
        line("disputed_by", LABELS["disputed_by"], "who says otherwise", value=value["disputed_by"]),
        line("note", LABELS["note"], value=value["note"]),
        html.P(
            "State only what a document or a person says. That an order names an account is shown without "
            "it, and is not a cause.",
            className="not-said",
        ),
    ]


def cause_of(given: Filled) -> CauseText:
    """The cause that was filled in. Raises WrongInput; what else a cause must be, the ledger checks."""
    try:
        said_by = word(CauseSource, given.needed("said_by", "Said by"), "Said by")
        sure = given.text("confidence")
        return CauseText(
            kind=word(CauseKind, given.needed("kind", "Cause"), "Cause"),
            said_by=said_by,
            speaker=given.text("speaker"),
            legal_basis=given.text("legal_basis"),
            source=given.needed("source", LABELS["source"]),
            stated_on=said_on(given.needed("stated_on", LABELS["stated_on"]), LABELS["stated_on"]),
            confidence=word(Confidence, sure, "Confidence") if sure else USUAL_CONFIDENCE[said_by],
            disputed_by=given.text("disputed_by"),
            note=given.text("note"),
        )
    except CellError as fault:
        raise WrongInput(str(fault)) from fault


def document_in(given: Filled) -> CauseDocument | None:
    """The file that was chosen; None if none was. Raises WrongInput, and CauseFault as `given_document`."""
    file = given.file("document", DOCUMENT_FILE)
    return None if file is None else given_document(*file)


def subjects_of(given: Filled) -> list[CauseSubject]:
    """What it is about: `account-12`, `change-7` or `order-3`, or several of a kind as `account-12.13`.

    Raises WrongInput.
    """
    kind, _, text = given.needed("about", "About").partition("-")
    numbers = [number_in(part) for part in text.split(".")]
    if None in numbers or kind not in {"account", "change", "order"}:
        raise WrongInput("The field about is not an account, a change or an order.")
    if len(numbers) > MOST_AT_ONCE:
        raise WrongInput(f"A cause is recorded for at most {MOST_AT_ONCE:,} at once.")
    return [
        CauseSubject(
            change_id=number if kind == "change" else None,
            account_id=number if kind == "account" else None,
            order_id=number if kind == "order" else None,
        )
        for number in numbers
    ]


def each_of(kind: str, numbers: Sequence[int], words: str) -> dict[str, str]:
    """The choice to record a cause for each of these, which are all accounts and posts, or all changes.
    Nothing for none or too many.
    """
    if not 1 <= len(numbers) <= MOST_AT_ONCE:
        return {}
    return {f"{kind}-{'.'.join(map(str, numbers))}": words}
