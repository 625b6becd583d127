"""The result of a re-evaluation: for a program, for a reader, and case by case."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from jobs.base.output import moment
from jobs.base.wording import account_name, number
from jobs.replay.compare_changes import ChangeDifference
from jobs.replay.compare_mails import MailComparison, MailDifference
from jobs.replay.replay import Redecided
from storage.model.bitemporal.corrections import OwnChange, RecomputedChange
from storage.model.bitemporal.reevaluation import (
    CAUSE_WORDS,
    EFFECT_WORDS,
    MAIL_CAUSE_WORDS,
    DifferenceCause,
    MailCause,
)
from storage.model.core.availability import State
from storage.model.text.states import capital, clean

SHOWN = 20
"""Differences in the table for a reader; all of them are in the file of --report."""


def as_json(found: Redecided, rules: str | None, of_list: str | None = None) -> dict[str, object]:
    """One object. `rules` is the name of the file of other rules; None means those in force. `of_list` is the
    list whose accounts are reported; None means all accounts. `accounts` counts all that are reported, and
    `posts` those of them that are posts.
    """
    c = found.rule
    compared = found.compared
    return {
        "from": found.since.isoformat(),
        "to": found.until.isoformat(),
        "rules": rules or "in force",
        "alert_rules": None if found.rules is None else [row.rule.name for row in found.rules],
        "confirmation": {
            "rereads_s": [o.total_seconds() for o in c.offsets[1:]],
            "strong_readings": c.strong_readings,
            "weak_readings": c.weak_readings,
            "cohort_window_s": c.cohort_window.total_seconds(),
            "cohort_discount": c.cohort_discount,
        },
        "list": of_list,
        "accounts": found.reported.total,
        "posts": found.reported.posts,
        "readings": found.courses.readings,
        "changes": {
            "same": compared.same,
            **{effect.value: n for effect, n in compared.counts.items()},
        },
        "causes": {cause.value: n for cause, n in compared.causes.items()},
        "mails": _mails_json(found.mails),
        "left_out": {"annulled": found.courses.annulled, "imported": found.courses.imported},
        "took": {
            "load_s": round(found.load_s, 3),
            "decide_s": round(found.decide_s, 3),
            "tell_s": round(found.tell_s, 3),
            "readings_per_s": found.readings_per_s,
        },
    }


def as_text(found: Redecided, rules: str | None, of_list: str | None = None) -> RenderableType:
    compared, courses = found.compared, found.courses
    facts = Table.grid(padding=(0, 2))
    facts.add_row("Time", f"{moment(found.since)} to {moment(found.until)}")
    facts.add_row("Rules", clean(rules) if rules else "in force")
    facts.add_row("Readings", f"{courses.readings:,} of {found.evaluated.words()}, as stored")
    if found.of is not None:
        facts.add_row(
            f"{capital(found.reported.kinds)} reported",
            f"{found.reported.words()} on the list {clean(of_list or '')}",
        )
    facts.add_row("Changes", f"{compared.same:,} same as stored")
    for effect, n in compared.counts.items():
        if n:
            facts.add_row("", f"{n:,} {EFFECT_WORDS[effect]}")
    for cause, n in compared.causes.items():
        if n and cause is not DifferenceCause.THRESHOLDS:
            facts.add_row("Cause", f"{n:,} × {CAUSE_WORDS[cause]}")
    _add_mails(facts, found.mails)
    if courses.annulled or courses.imported:
        facts.add_row(
            "Excluded",
            f"{courses.annulled:,} annulled rows, {courses.imported:,} changes of imported records",
        )
    facts.add_row(
        "Duration",
        f"{found.load_s:.1f} s to load, {found.decide_s:.1f} s to decide, {found.tell_s:.1f} s for the mails",
    )
    parts: list[RenderableType] = [facts]
    if compared.differences:
        parts += ["", _table(compared.differences)]
    if found.mails.differences:
        parts += ["", _mail_table(found.mails.differences)]
    return Group(*parts)


def _add_mails(facts: Table, mails: MailComparison) -> None:
    facts.add_row("Mails", f"{number(mails.same, 'mail')} with the same changes to the same recipients")
    for (rule, recipient), n in mails.by_rule(was_sent=False).items():
        facts.add_row("", f"{n:,} more would have been sent to {clean(recipient)} by the rule {clean(rule)}")
    for (rule, recipient), n in mails.by_rule(was_sent=True).items():
        facts.add_row("", f"{n:,} to {clean(recipient)} would not have been sent {_by(rule)}")
    facts.add_row(
        "Decisions",
        f"{mails.decisions_same:,} the same, {mails.decisions_otherwise:,} different (per rule)",
    )
    for cause, n in mails.causes.items():
        if n and cause is not MailCause.RULES:
            facts.add_row("Cause", f"{n:,} × {MAIL_CAUSE_WORDS[cause]}")


def _by(rule: str) -> str:
    return f"by the rule {clean(rule)}" if rule else "(rule not stored)"


def _mail_table(differences: Sequence[MailDifference]) -> Table:
    more = len(differences) - SHOWN
    title = f"The first {SHOWN} of {len(differences):,} mails" if more > 0 else "Mails"
    table = Table(
        "Effect", "Time", "Recipient", "Rule", "Changes", "About", title=title, title_justify="left"
    )
    for d in differences[:SHOWN]:
        table.add_row(
            "would not have been sent" if d.was_sent else "would have been sent",
            moment(d.mail.at),
            clean(d.mail.recipient),
            clean(d.mail.rule or ""),
            f"{len(d.mail.facts):,}",
            clean(d.mail.headline),
        )
    return table


def _table(differences: tuple[ChangeDifference, ...]) -> Table:
    more = len(differences) - SHOWN
    title = f"The first {SHOWN} of {len(differences):,}" if more > 0 else "Differences"
    table = Table(
        "Account",
        "Effect",
        "Status",
        "First seen",
        "Stored",
        "Re-evaluated",
        title=title,
        title_justify="left",
    )
    for d in differences[:SHOWN]:
        one = d.recomputed.pending if d.recomputed is not None else d.stored
        if one is None:
            continue
        state = (
            d.recomputed.pending.state
            if d.recomputed is not None
            else d.stored.new
            if d.stored is not None
            else None
        )
        table.add_row(
            account_name(d.account.platform, d.account.handle),
            EFFECT_WORDS[d.effect],
            "" if state is None else _state(state),
            moment(one.first_seen_new),
            _stored_words(d.stored),
            _recomputed_words(d.recomputed),
        )
    return table


def _stored_words(s: OwnChange | None) -> str:
    if s is None:
        return "none"
    if s.reason is None:
        return "provisional"
    return f"{s.reason.value}, {moment(s.last_agreeing_at)}"


def _recomputed_words(t: RecomputedChange | None) -> str:
    if t is None:
        return "none"
    if t.closed is None:
        return "provisional"
    return f"{t.closed.reason.value}, {moment(t.pending.last_agreeing_at)}"


def _state(state: State) -> str:
    return " ".join((state.status.value, *state.withheld_in))


def _mails_json(mails: MailComparison) -> dict[str, object]:
    more, fewer = mails.by_rule(was_sent=False), mails.by_rule(was_sent=True)
    return {
        "same": mails.same,
        "would_have_gone": sum(more.values()),
        "would_not_have_gone": sum(fewer.values()),
        "by_rule": [
            {
                "rule": rule or None,
                "recipient": recipient,
                "would_have_gone": more.get((rule, recipient), 0),
                "would_not_have_gone": fewer.get((rule, recipient), 0),
            }
            for rule, recipient in sorted({*more, *fewer})
        ],
        "decisions": {"same": mails.decisions_same, "otherwise": mails.decisions_otherwise},
        "causes": {cause.value: n for cause, n in mails.causes.items()},
    }


def cases(found: Redecided) -> Iterator[dict[str, object]]:
    """Yield every mail and every change that differs, as an object."""
    for m in found.mails.differences:
        yield {
            "what": "mail_would_not_have_gone" if m.was_sent else "mail_would_have_gone",
            "cause": m.cause.value,
            "at": m.mail.at.isoformat(),
            "kind": m.mail.kind.value,
            "rule": m.mail.rule,
            "recipient": m.mail.recipient,
            "headline": m.mail.headline,
            "changes": sorted([key, stage.value] for key, stage in m.mail.facts),
        }
    for d in found.compared.differences:
        yield {
            "what": d.effect.value,
            "cause": d.cause.value,
            "account": d.account.account_id,
            "platform": d.account.platform.value,
            "account_id": d.account.native_id,
            "handle": d.account.handle,
            "stored": None if d.stored is None else _stored_json(d.stored),
            "told": None if d.recomputed is None else _recomputed_json(d.recomputed),
        }


def _stored_json(s: OwnChange) -> dict[str, object]:
    return {
        "change_key": s.change_key,
        "old": None if s.old is None else _state(s.old),
        "new": _state(s.new),
        "last_seen_old": s.last_seen_old and s.last_seen_old.isoformat(),
        "first_seen_new": s.first_seen_new.isoformat(),
        "outcome": None if s.outcome is None else s.outcome.value,
        "reason": None if s.reason is None else s.reason.value,
        "readings": s.readings,
        "last_agreeing_at": s.last_agreeing_at.isoformat(),
    }


def _recomputed_json(t: RecomputedChange) -> dict[str, object]:
    p = t.pending
    return {
        "old": None if t.old is None else _state(t.old),
        "new": _state(p.state),
        "last_seen_old": p.last_seen_old and p.last_seen_old.isoformat(),
        "first_seen_new": p.first_seen_new.isoformat(),
        "outcome": None if t.closed is None else t.closed.outcome.value,
        "reason": None if t.closed is None else t.closed.reason.value,
        "readings": p.agreeing,
        "last_agreeing_at": p.last_agreeing_at.isoformat(),
    }
