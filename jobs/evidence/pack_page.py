"""Pure: the page of an evidence pack, made of the pack's other files, and how to check it by hand."""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from jobs.base.wording import day, handle_name, number
from jobs.evidence.pack import FORMAT, PAGE, README, PackContent, PackError, documents, facts_in, listed
from jobs.evidence.pack_handles import author_called, is_called_by_id, is_name, names_told
from storage.model.causes.causes import CauseKind, CauseSource, CauseText, Confidence
from storage.model.causes.words import cause_words
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Flag, Outcome, Reason, State, Status, Strength
from storage.model.evidence.hash_chain import CauseStatement, ChangeStatement, OutcomeStatement, moment
from storage.model.evidence.packs import Material, PackRequest, PackRequestRole
from storage.model.text.states import PLATFORM_NAME, capital, change_words, clean, state_words

_SHOWN: Final = 20_000
"""Characters of a raw answer on the page; the file has all of it."""

TEMPLATES: Final = Environment(
    loader=PackageLoader("jobs.evidence"),
    autoescape=select_autoescape(enabled_extensions=("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)

_WHY: Final = {
    Reason.BASELINE_SEEN: "it is the first reading of this {noun}, and carried the {noun}'s own data",
    Reason.ENOUGH_STRONG: "the platform itself said so in {n}",
    Reason.ENOUGH_WEAK: "the {noun} was absent in {n}, which is all that the rule asks for",
    Reason.COHORT_ACTIVE: "the {noun} was absent in {n}, and others of its list had just changed",
    Reason.WENT_BACK: "a later reading showed the old state again",
    Reason.MOVED_ON: "a later reading showed a third state",
    Reason.OVERTAKEN: "its answer was asked for before others came in, and may show what was so before them",
    Reason.NO_LONGER_WATCHED: "the {noun} was taken off the watch before it was read often enough",
    Reason.IMPORTED: "it was taken over from somebody else's published record",
    Reason.CORRECTED: "a reading that came in late showed that it was not so",
    Reason.SET_ASIDE: "the readings that showed it were dated by a wrong clock, and are set aside",
}
_PART: Final = {
    PackRequestRole.OLD: "last answer before the change",
    PackRequestRole.FIRST: "first answer that shows it",
    PackRequestRole.AGREEING: "agrees",
}


@dataclass(frozen=True, slots=True)
class _Time:
    """A time for the reader, and as the statements have it."""

    words: str
    exact: str


@dataclass(frozen=True, slots=True)
class _RawAnswer:
    which: str
    sha256: str | None
    note: str
    text: str


def page(facts: PackContent) -> bytes:
    """The page that tells a reader what the pack shows. The same files give the same page.

    Raises PackError when a statement holds words that this version does not know.
    """
    try:
        content = _content(facts)
    except (ValueError, KeyError) as error:
        raise PackError("A statement contains a value that this version does not know.") from error
    return _template("pack.html", facts.manifest.format).render(content).encode()


def readme(number: int = FORMAT, noun: str = "account") -> bytes:
    """How to check a pack of a format without Blockline."""
    return _template("pack.txt", number).render(noun=noun).encode()


def _template(name: str, number: int) -> Template:
    """The words of a format: `pack.html`, or `pack_1.html` of the first."""
    stem, dot, ending = name.partition(".")
    return TEMPLATES.get_template(name if number == FORMAT else f"{stem}_{number}{dot}{ending}")


def instant(at: datetime) -> str:
    """`4 Feb 2021, 07:32:10.25 UTC`: nothing is rounded, so that no bound is told tighter than it is."""
    at = at.astimezone(UTC)
    fraction = f"{at:.%f}".rstrip("0").rstrip(".")
    return f"{day(at)}, {at:%H:%M:%S}{fraction} UTC"


def _content(facts: PackContent) -> dict[str, object]:
    change, outcome, manifest = facts.change, facts.outcome, facts.manifest
    platform = Platform(change.platform)
    old, new, flags = _old(change), State(Status(change.status), change.withheld_in), _flags(change)
    kind = ChangeKind(change.kind)
    name, noun = handle_name(manifest.handle), manifest.noun
    author = author_called(facts)
    seq = {a.seq: a.statement for a in facts.attested}
    return {
        "name": name,
        "what": change_words(kind, old, new, platform, flags) + _outcome_words(outcome),
        "is_named": not is_called_by_id(facts),
        "noun": noun,
        "author": None if author is None else handle_name(author),
        "called": [
            handle_name(one) for one in names_told(facts) if not is_name(author or manifest.handle, one)
        ],
        "platform": PLATFORM_NAME[platform],
        "account": clean(change.account, 400),
        "old": capital(state_words(old, platform, None, of_post=manifest.post)),
        "new": capital(state_words(new, platform, flags, of_post=manifest.post)),
        "is_baseline": old is None,
        "is_first_there": Flag.FIRST_SEEN in flags,
        "before": _time(change.last_seen_old),
        "after": _time(change.first_seen_new),
        "recorded": _time(change.recorded_at),
        "by_day": Flag.DAY_ONLY in flags,
        "source": None if facts.coverage.ours else clean(change.source, 200),
        "strength": _strength(Strength(change.strength), noun),
        "outcome": _outcome(outcome, flags, noun),
        "decided": _time(outcome.decided_at) if outcome else None,
        "corrections": _corrections(facts, platform),
        "causes": _causes(facts),
        "looks": [_look(one, noun) for one in facts.coverage.coverage.looks],
        "other": [f"{clean(what, 100)}: {n}" for what, n in facts.coverage.coverage.other.items()],
        "raw": _raw(facts),
        "statements": [(one.file, one.seq, f"{seq[one.seq].told}") for one in facts.chain.statements],
        "heads": [(f"{day(one.day)}", one.seq, one.head) for one in facts.chain.heads],
        "anchors": [(one.file, one.seq, clean(one.authority, 200)) for one in facts.chain.anchors],
        "checkpoints": [] if facts.log is None else [one.file for one in facts.log.checkpoints],
        "key": "" if facts.log is None else clean(facts.log.checkpoint.key, 300),
        "log_stamps": []
        if facts.log is None
        else [(one.file, one.checkpoint, clean(one.authority, 200)) for one in facts.log.stamps],
        "change_id": change.change_id,
        "made": _time(manifest.made_at),
        "made_by": clean(manifest.made_by, 60),
        "synthetic": manifest.synthetic,
    }


def _old(change: ChangeStatement) -> State | None:
    return None if change.old_status is None else State(Status(change.old_status), change.old_withheld_in)


def _flags(change: ChangeStatement) -> frozenset[Flag]:
    return frozenset(Flag(flag) for flag in change.flags)


def _time(at: datetime | None) -> _Time | None:
    return None if at is None else _Time(instant(at), moment(at))


def _strength(strength: Strength, noun: str) -> str:
    if strength is Strength.STRONG:
        return "strong: the platform itself said so"
    return f"weak: the {noun} was only absent, and no statement of the platform says why"


def _outcome_words(outcome: OutcomeStatement | None) -> str:
    if outcome is None:
        return " (provisional)"
    return "" if Outcome(outcome.outcome) is Outcome.CONFIRMED else " (not confirmed)"


def _outcome(outcome: OutcomeStatement | None, flags: frozenset[Flag], noun: str) -> str:
    if outcome is None:
        return "Provisional: when this pack was made, too few readings agreed to confirm it."
    why = _WHY[Reason(outcome.reason)].format(n=number(outcome.readings, "reading"), noun=noun)
    said = "Confirmed" if Outcome(outcome.outcome) is Outcome.CONFIRMED else "Not confirmed"
    last = outcome.last_agreeing_at
    when = day(last.astimezone(UTC)) if Flag.DAY_ONLY in flags else instant(last)
    return f"{said}: {why}. The last agreeing reading is of {when}."


def _corrections(facts: PackContent, platform: Platform) -> list[str]:
    """What else was recorded about the same fact, in the order in which it was recorded."""
    changes = [a.statement for a in facts.attested if isinstance(a.statement, ChangeStatement)]
    outcomes = {
        a.statement.change_id: a.statement
        for a in facts.attested
        if isinstance(a.statement, OutcomeStatement)
    }
    out: list[str] = []
    for one in changes:
        if one.change_id == facts.change.change_id and one.supersedes is None:
            continue
        state = State(Status(one.status), one.withheld_in)
        new = state_words(state, platform, _flags(one), of_post=facts.manifest.post)
        since = "" if one.last_seen_old is None else f"after {instant(one.last_seen_old)} and "
        said = f"Change {one.change_id}, recorded on {instant(one.recorded_at)}"
        if one.supersedes is not None:
            said += f", takes the place of change {one.supersedes}"
        said += f": {new}, {since}by {instant(one.first_seen_new)}."
        out.append(f"{said} {_outcome(outcomes.get(one.change_id), _flags(one), facts.manifest.noun)}")
    return out


def _causes(facts: PackContent) -> list[str]:
    """What is said to be the cause, in the order in which it was recorded."""
    out: list[str] = []
    for attested in facts.attested:
        said = attested.statement
        if not isinstance(said, CauseStatement):
            continue
        text = CauseText(
            CauseKind(said.kind),
            CauseSource(said.said_by),
            said.speaker,
            said.legal_basis,
            said.source,
            said.stated_on,
            Confidence(said.confidence),
            said.disputed_by,
            said.note,
        )
        before = f", in place of cause {said.supersedes}" if said.supersedes is not None else ""
        withdrawn = f"Withdraws cause {said.supersedes}: " if said.is_withdrawn else ""
        out.append(
            f"Cause {said.cause_id}, recorded on {instant(said.recorded_at)}"
            f"{'' if said.is_withdrawn else before}. {withdrawn}{cause_words(text)}"
        )
    return out


def _look(look: PackRequest, noun: str) -> dict[str, object]:
    silent = f"; silent on {', '.join(clean(c) for c in look.silent_on)}" if look.silent_on else ""
    return {
        "part": _PART[look.part] + silent,
        "asked": _time(look.asked_at),
        "came": _time(look.observed_at),
        "among": f"{number(look.asked, noun)} asked, {look.control_accounts} of them control {noun}s",
        "where": clean(look.place) if look.place else "",
    }


def _raw(facts: PackContent) -> list[_RawAnswer]:
    purged = {one.sha256: one.purged_at for one in facts.manifest.raw if one.file is None}
    out: list[_RawAnswer] = []
    sides = [("First reading of the new state", facts.change.new_evidence)]
    if facts.change.old_status is not None:
        sides.insert(0, ("Reading of the state before", facts.change.old_evidence))
    for which, sha256 in sides:
        if sha256 is None:
            out.append(_RawAnswer(which, None, "None was kept.", ""))
        elif sha256 in purged:
            at = purged[sha256]
            when = "before this pack was made" if at is None else f"on {instant(at)}"
            out.append(_RawAnswer(which, sha256, f"Purged {when}: only its hash is left.", ""))
        elif (content := facts.raw.get(sha256)) is None:
            raise PackError(f"The raw answer {sha256[:12]}… is missing.")
        else:
            text = content.decode(errors="replace")
            note = f"{number(len(content), 'byte')} in raw/{sha256}.json"
            if len(text) > _SHOWN:
                note += f"; the first {_SHOWN:,} characters of it"
            out.append(_RawAnswer(which, sha256, f"{note}.", _visible(text[:_SHOWN])))
    return out


def _visible(text: str) -> str:
    """Text of strangers in which nothing hides: what is invisible or changes direction becomes U+FFFD."""
    return "".join(
        char if char == "\n" or unicodedata.category(char)[0] != "C" else "\ufffd" for char in text
    )


def whole_pack(material: Material, made_by: str, now: datetime) -> dict[str, bytes]:
    """Every file of the pack of a change, page and README among them. Raises PackError."""
    files = documents(material, made_by, now)
    facts = facts_in(files)
    return listed({**files, PAGE: page(facts), README: readme(noun=facts.manifest.noun)}, facts.manifest)
