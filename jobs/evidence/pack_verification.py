"""Pure: whether the parts of an evidence pack belong together, and what that proves. No database is asked.

A pack that is whole proves that its parts belong together, no more: whoever made it could have made all of it
again. It is a head of the chain, known from elsewhere, that fixes what the pack says.
"""

import hashlib
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from jobs.base.wording import handle_name, number
from jobs.evidence.log_proof import covered_by_stamps, held_checks, log_proof, stamped_checkpoints
from jobs.evidence.pack import (
    CHAIN,
    COVERAGE,
    LOG,
    MANIFEST,
    PAGE,
    README,
    SENTENCES,
    Files,
    PackContent,
    PackError,
    expected_names,
    facts_in,
    is_post,
    raw_name,
    statement_words,
)
from jobs.evidence.pack_handles import author_called, is_called_by_id, is_name, names_told
from jobs.evidence.pack_page import instant, page, readme
from jobs.evidence.pack_proof import (
    Entries,
    KnownHeads,
    ProofCheck,
    ProofResult,
    StampOf,
    entries_in,
    failed,
    heads_reached,
    ok,
    stamped_entries,
    stamps_in,
)
from storage.model.evidence.hash_chain import CauseStatement, ChangeStatement, Statement, leaf_of
from storage.model.evidence.packs import PackRequestRole

_MILLISECOND: Final = timedelta(milliseconds=1)


def verify(files: Files, known: KnownHeads, stamp_of: StampOf, made_by: str) -> list[ProofCheck]:
    """Every check as a sentence. The pack verifies when none is FAILED or OPEN."""
    try:
        facts = facts_in(files)
    except PackError as error:
        return [ProofCheck(ProofResult.FAILED, str(error))]
    checks = _listing(files, facts)
    if facts.manifest.synthetic:
        what_is = f"The {facts.manifest.noun} in it does not exist."
        said = f"Synthetic scenario: the pack was made by a simulation. {what_is}"
        checks.append(ProofCheck(ProofResult.NOTE, said))
    entries, leads = entries_in(facts)
    checks += leads
    checks += _statements(files, facts, entries)
    checks += _raw(files, facts)
    if facts.manifest.post and not is_post(facts.change):
        checks.append(failed(f"{MANIFEST} calls it a post, and the statement names an account."))
    checks.append(_name(facts))
    checks += _times(facts)
    checks += _pages(files, facts, made_by)
    log = log_proof(files, facts, entries, known)
    of_entries, stamped = stamps_in(files, stamped_entries(facts, entries), stamp_of)
    of_checkpoints, vouched = stamps_in(files, stamped_checkpoints(files, facts), stamp_of)
    held, covered = held_checks(log, known)
    checks += [*log.checks, *of_entries, *of_checkpoints, *held]
    checks += heads_reached(facts, entries, known, stamped, covered_by_stamps(log, vouched) | covered)
    return checks


def _listing(files: Files, facts: PackContent) -> list[ProofCheck]:
    """Whether the files are those of a pack, each as the manifest lists it."""
    expected, hashes = expected_names(facts), facts.manifest.files
    out = [failed(f"{name} is missing.") for name in sorted(expected - set(files))]
    out += [failed(f"{name!r} does not belong in the pack.") for name in sorted(set(files) - expected)]
    out += [
        failed(f"{name} is not the file that {MANIFEST} lists.")
        for name in sorted(expected & set(files) - {MANIFEST})
        if hashes.get(name) != hashlib.sha256(files[name]).hexdigest()
    ]
    if not out and set(hashes) != expected - {MANIFEST}:
        out.append(failed(f"{MANIFEST} lists files that a pack does not have."))
    return out or [ok(f"The {number(len(files), 'file')} are those that {MANIFEST} lists, and no other.")]


def _statements(files: Files, facts: PackContent, entries: Entries) -> list[ProofCheck]:
    out: list[ProofCheck] = []
    related = _related(facts)
    for named, attested in zip(facts.chain.statements, facts.attested, strict=True):
        said = f"{named.file} ({statement_words(attested.statement)})"
        if entries.get(named.seq, ("", ""))[0] != leaf_of(files[named.file]).hex():
            out.append(failed(f"{said} is not what entry {named.seq} of the chain attests."))
        elif not _belongs(attested.statement, facts.change, related):
            out.append(failed(f"{said} is not related to change {facts.change.change_id}."))
        else:
            out.append(ok(f"{said} is what entry {named.seq} of the chain attests."))
    return out


def _belongs(statement: Statement, change: ChangeStatement, related: Collection[int]) -> bool:
    """Whether a statement is about the change, a related one, or the account."""
    if isinstance(statement, CauseStatement) and statement.change_id is None:
        return (statement.platform, statement.account) == (change.platform, change.account)
    return statement.change_id in related


def _related(facts: PackContent) -> set[int]:
    """The changes that supersede each other and the one that the pack is about."""
    changes = [a.statement for a in facts.attested if isinstance(a.statement, ChangeStatement)]
    mine = (facts.change.platform, facts.change.account)
    pairs = [
        (c.change_id, c.supersedes)
        for c in changes
        if c.supersedes is not None and (c.platform, c.account) == mine
    ]
    found = {facts.change.change_id}
    for _ in pairs:
        found |= {id_ for pair in pairs if found & set(pair) for id_ in pair}
    return found


def _raw(files: Files, facts: PackContent) -> list[ProofCheck]:
    """Whether every raw answer that a statement names is there, or is said to be purged."""
    out: list[ProofCheck] = []
    changes = [a.statement for a in facts.attested if isinstance(a.statement, ChangeStatement)]
    named = {h for c in changes for h in (c.old_evidence, c.new_evidence) if h is not None}
    listed = {one.sha256: one for one in facts.manifest.raw}
    if set(listed) != named or len(listed) < len(facts.manifest.raw):
        out.append(failed("The raw answers are not those that the statements name."))
    for sha256, one in sorted(listed.items()):
        if one.file is None:
            when = "before" if one.purged_at is None else f"on {instant(one.purged_at)}"
            said = f"The raw answer {sha256[:12]}… was purged {when}: only its hash is left."
            out.append(ProofCheck(ProofResult.NOTE, said))
        elif one.file != raw_name(sha256) or hashlib.sha256(files[one.file]).hexdigest() != sha256:
            out.append(failed(f"{one.file} is not the raw answer that the statement names."))
        else:
            out.append(ok(f"{one.file} is the raw answer that the statement names."))
    new, old = facts.change.new_evidence, facts.change.old_evidence
    if new is None:
        out.append(
            ProofCheck(ProofResult.NOTE, "No raw answer was kept for the first reading of the new status.")
        )
    if old is None and facts.change.old_status is not None:
        out.append(
            ProofCheck(ProofResult.NOTE, "No raw answer was kept for the reading of the previous status.")
        )
    return out


def _name(facts: PackContent) -> ProofCheck:
    """Whether the name of the account, or of the author of the post, is in what the chain covers."""
    if is_called_by_id(facts):
        return ok(f"The {facts.manifest.noun} is called by its id, which the statement names.")
    author = author_called(facts)
    whose, handle = ("account", facts.manifest.handle) if author is None else ("post's author", author)
    name, others_named = handle_name(handle), names_told(facts)
    if any(is_name(handle, one) for one in others_named):
        return ok(f"A raw answer calls the {whose} {name}, as {MANIFEST} does.")
    if others_named:
        others = ", ".join(map(handle_name, others_named))
        it = "it" if author is None else "the author"
        said = (
            f"{MANIFEST} calls the {whose} {name}, and the raw answers call {it} {others}: {it} was renamed, "
            "or"
        )
        return ProofCheck(ProofResult.NOTE, f"{said} {MANIFEST} is wrong, which the chain does not cover.")
    said = f"No raw answer names the {whose}: that it is called {name} is only what {MANIFEST} says"
    return ProofCheck(ProofResult.NOTE, f"{said}, which the chain does not cover.")


def _times(facts: PackContent) -> list[ProofCheck]:
    """Whether the requests agree with the times of the statements."""
    change, outcome, looks = facts.change, facts.outcome, facts.coverage.coverage.looks
    if not facts.coverage.ours:
        if change.source == change.platform:
            return [
                failed(f"{COVERAGE} says that another publisher reported what Blockline observed itself.")
            ]
        return [ProofCheck(ProofResult.NOTE, f"{COVERAGE} is empty: another publisher reported this change.")]
    if change.source != change.platform:
        return [failed(f"{COVERAGE} contains requests for a change that another publisher reported.")]
    if [look.observed_at for look in looks] != sorted(look.observed_at for look in looks):
        return [failed(f"{COVERAGE} is not in chronological order.")]
    wrong = [f"{COVERAGE}: {why}." for why in _contradictions(facts)]
    if wrong:
        return [failed(why) for why in wrong]
    parts = {look.part for look in looks}
    lacking = [] if PackRequestRole.FIRST in parts else ["the first reading of the new state"]
    if change.last_seen_old is not None and PackRequestRole.OLD not in parts:
        lacking.append("the reading before")
    last = looks[-1].observed_at if looks else None
    if outcome is not None and last != outcome.last_agreeing_at:
        lacking.append("the last agreeing reading")
    if lacking:
        said = f"{COVERAGE} lacks {' and '.join(lacking)}: only the statement gives these times."
        return [ProofCheck(ProofResult.NOTE, said)]
    return [ok(f"The {number(len(looks), 'request')} in {COVERAGE} have the times that the statements give.")]


def _contradictions(facts: PackContent) -> list[str]:
    change, outcome = facts.change, facts.outcome
    out: list[str] = []
    for look in facts.coverage.coverage.looks:
        before = change.last_seen_old
        if look.part is PackRequestRole.OLD:
            # A difference, since a stranger may have written a time that has none before it.
            fits = before is not None and timedelta(0) <= before - look.asked_at < _MILLISECOND
        elif look.part is PackRequestRole.FIRST:
            fits = look.observed_at == change.first_seen_new
        else:
            until = None if outcome is None else outcome.last_agreeing_at
            fits = look.observed_at > change.first_seen_new and (until is None or look.observed_at <= until)
        if not fits:
            out.append(
                f"the request of {instant(look.observed_at)} does not have a time that the statements give"
            )
    return out


def _pages(files: Files, facts: PackContent, made_by: str) -> list[ProofCheck]:
    """Whether page and README, and the fixed sentences in the other files, are those of this version.

    What another version made is not vouched for: anybody can write that another version made it.
    """
    out: list[ProofCheck] = []
    try:
        made = page(facts)
    except PackError as error:
        return [failed(str(error))]
    words = SENTENCES[facts.manifest.format]
    same = {
        PAGE: files.get(PAGE) == made,
        README: files.get(README) == readme(facts.manifest.format, facts.manifest.noun),
        f"The sentence in {CHAIN}": facts.chain.how == words.how,
        f"The sentence in {COVERAGE}": facts.coverage.what
        == (words.what if facts.coverage.ours else words.not_ours),
    }
    if facts.log is not None:
        same[f"The sentence in {LOG}"] = facts.log.how == words.log
    for name, is_same in same.items():
        if is_same:
            out.append(ok(f"{name} says what the other files say."))
        elif facts.manifest.made_by == made_by:
            out.append(failed(f"{name} says something else than the other files."))
        else:
            said = f"{name} was made by {facts.manifest.made_by!r}, and this is {made_by}"
            out.append(
                ProofCheck(ProofResult.OPEN, f"{said}: its words are not checked, so read the statements.")
            )
    return out
