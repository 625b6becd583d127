"""One word for one thing: the words of storage/model/text/glossary.py, and none that only we would know."""

import re
from pathlib import Path

from storage.model.text.glossary import TERMS, markdown
from tests.house.source import ROOT
from tests.house.user_facing import Sentence, sentences

WRITE = {
    r"told|tells?|telling": "notified, sent, reported, shown, recorded; tell apart: distinguish",
    r"waves?": "group of changes",
    r"round-ups?": "catch-up digest",
    r"detectors?": "collector",
    r"troubles?": "issue, condition",
    r"stands|stood": "status, is",
    r"ceilings?": "daily cost limit, limit",
    r"promise[sd]?": "guaranteed interval, guaranteed",
    r"chores?": "maintenance task",
    r"(?:take|takes|taken|took|taking) on": "acknowledge",
    r"(?:give|gives|given|gave) up": "failed permanently, dead letter, stopped",
    r"on file|on record": "stored, recorded",
    r"anew": "again",
    r"reckon(?:s|ed|ing)?": "estimate, count",
    r"decid(?:e|es|ed|ing) again": "re-evaluate with other rules",
    r"whoever": "the person or the program that is meant",
    r"out of turn|its turn": "scheduled read",
    r"(?<!there )is no (?!longer\b|more\b|later\b|earlier\b|less\b|fewer\b|other\b)": "is not a",
}
"""A word of ours that no reader knows, and what to write instead."""

EXCEPTIONS = {
    "round-up, ": "the end of a subject, by which a stored catch-up digest is recognised",
    "X does not tell a deactivated account from a deleted one": "evidence packs verify it",
    "hashes and tell nothing of them.": "evidence packs of format 1 verify it",
    "reading of a list promised": "an action in the audit log",
}
"""A phrase that may be written, and why."""

FROZEN = {"jobs/evidence/templates/pack_1.html", "jobs/evidence/templates/pack_1.txt"}
"""Words of an earlier format of evidence packs: a pack with them has to verify as it is."""

_PRIVATE = re.compile(rf"\b(?:{'|'.join(WRITE)})\b", re.IGNORECASE)


def _private(sentence: Sentence) -> str | None:
    text = sentence.text
    for phrase in EXCEPTIONS:
        text = text.replace(phrase, "")
    found = _PRIVATE.search(text)
    return found and found[0]


def test_whoever_reads_it_knows_the_word() -> None:
    wrong = [(s, word) for s in sentences() if s.file not in FROZEN and (word := _private(s))]
    assert not wrong, "\n".join(f"{s.file}:{s.line}: {word!r} in {s.text[:120]!r}" for s, word in wrong)


def test_each_exception_is_needed() -> None:
    texts = [s.text for s in sentences()]
    assert [phrase for phrase in EXCEPTIONS if not any(phrase in text for text in texts)] == []


def test_the_page_lists_every_term_of_the_interface() -> None:
    assert Path(ROOT / "docs/reference/glossary.md").read_text() == markdown()


def test_a_term_is_explained_in_one_sentence() -> None:
    long = {term for term, s in TERMS.items() if len(s.split()) > 28 or not s.endswith(".") or ". " in s}
    assert not long
