"""Pure: a cause in words, for pages, mails, reports and evidence packs."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from types import MappingProxyType

from storage.model.causes.causes import CauseKind, CauseSource, CauseText, StatedCause
from storage.model.text.states import capital, clean

KIND_WORDS: Mapping[CauseKind, str] = MappingProxyType(
    {
        CauseKind.GOVERNMENT_ORDER: "an order of a government",
        CauseKind.COURT_RULING: "a court ruling",
        CauseKind.PLATFORM_TERMS: "the platform's terms",
        CauseKind.COPYRIGHT: "a copyright claim",
        CauseKind.OWNER: "the owner's own act",
        CauseKind.PLATFORM_ERROR: "an error of the platform",
        CauseKind.UNKNOWN: "no cause named",
    }
)
NOT_KNOWN = "Cause: not known"
"""Where no cause is stored."""
NONE_RECORDED = f"{NOT_KNOWN}. Nobody has recorded one."

SOURCE_WORDS: Mapping[CauseSource, str] = MappingProxyType(
    {
        CauseSource.PLATFORM_NOTICE: "the platform's notice to the owner",
        CauseSource.PLATFORM_ANSWER: "the platform's own answer",
        CauseSource.ORDER_TEXT: "the text of an order",
        CauseSource.TRANSPARENCY_REPORT: "a transparency report",
        CauseSource.COURT_RECORD: "a court record",
        CauseSource.OWNER: "the owner",
        CauseSource.PRESS: "the press",
        CauseSource.ANALYST: "an analyst",
    }
)


def cause_name(text: CauseText) -> str:
    """The cause and its law: "an order of a government (Section 69A IT Act)"."""
    law = f" ({clean(text.legal_basis, 200)})" if text.legal_basis else ""
    return f"{KIND_WORDS[text.kind]}{law}"


def cause_words(text: CauseText) -> str:
    """One sentence: what is said to be the cause, who says so, where, when, and how sure it is."""
    who = SOURCE_WORDS[text.said_by] + (f" ({clean(text.speaker, 200)})" if text.speaker else "")
    on = text.stated_on.astimezone(UTC)
    disputed = f"; disputed by {clean(text.disputed_by, 200)}" if text.disputed_by else ""
    return (
        f"{capital(cause_name(text))}, according to {who} of {on.day} {on:%b %Y}, {clean(text.source, 400)}; "
        f"{text.confidence}{disputed}."
    )


def cause_summary(causes: Sequence[StatedCause]) -> str:
    """The surest of the standing causes in a few words: "Cause: a court ruling, documented"."""
    if not causes:
        return NOT_KNOWN
    text = causes[0].text
    disputed = ", disputed" if text.disputed_by else ""
    return f"Cause: {cause_name(text)}, {text.confidence}{disputed}"


def cause_line(causes: Sequence[StatedCause]) -> str:
    """One line: the surest of the standing causes, and how many others there are."""
    if not causes:
        return f"{NOT_KNOWN}."
    others = len(causes) - 1
    more = "" if not others else f" {'One more is' if others == 1 else f'{others} more are'} stored."
    said = cause_words(causes[0].text)
    return f"Cause: {said[:1].lower()}{said[1:]}{more}"
