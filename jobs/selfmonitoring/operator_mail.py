"""What operators are told of the monitor's own troubles, and when: decided and put into words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from dashboard.ui.words import span
from jobs.base.wording import minute, number
from jobs.messages.compose import Letterhead, message_id
from jobs.messages.webhook_payload import note
from storage.health.condition_facts import Thresholds
from storage.model.alerts.alerts import MailDraft, MailKind, MailState
from storage.model.alerts.conditions import ABOUT_MAILS, ConditionKey, KnownCondition
from storage.model.alerts.rules import Severity, is_webhook

SHOWN = 12
"""Troubles that one mail describes; of more it gives the number."""


@dataclass(frozen=True, slots=True)
class OperatorNews:
    """What one mail tells."""

    begun: tuple[KnownCondition, ...]
    lasting: tuple[KnownCondition, ...]
    """Told before, and still so."""
    over: tuple[KnownCondition, ...]
    again: frozenset[ConditionKey]
    """Troubles that are so now: one of them that is also over came back."""

    @property
    def open(self) -> tuple[KnownCondition, ...]:
        return self.begun + self.lasting

    @property
    def as_of(self) -> datetime:
        """When the newest of it was noticed."""
        return max(k.ended_at or k.opened_at for k in (*self.open, *self.over))


def news(
    known: Sequence[KnownCondition], last_told: datetime | None, now: datetime, thresholds: Thresholds
) -> OperatorNews | None:
    """What is to be told at `now`, given when operators were last mailed; None when that is nothing.

    That a trouble is over is not told while it may have come back. What lasts is told again only when the
    mail that told it before has left the queue: else one mail a day would wait there.
    """
    if last_told is not None and now - last_told < thresholds.mail_every:
        return None
    present = [k for k in known if k.ended_at is None]
    begun = [k for k in present if k.told_at is None and now - k.opened_at >= thresholds.notify_after]
    lasting = [
        k
        for k in present
        if k.told_at is not None
        and now - k.told_at >= thresholds.remind_every
        and k.mail_state is not MailState.QUEUED
    ]
    unsure = {k.condition.key for k in present if k.told_at is None and k not in begun}
    over = [k for k in known if k.ended_at is not None and k.condition.key not in unsure]
    if not begun and not lasting and not over:
        return None
    return OperatorNews(
        tuple(begun), tuple(lasting), tuple(over), frozenset(k.condition.key for k in present)
    )


def operator_mail(report: OperatorNews, to: str, thresholds: Thresholds, head: Letterhead) -> MailDraft:
    """The mail to one operator. The same news makes the same mail, whoever composes it."""
    title = _title(report)
    content = {
        "subject": f"{head.mark}Blockline: {title}",
        "headline": title,
        "is_one": len(report.open) + len(report.over) == 1,
        "synthetic": head.synthetic,
        "troubles": [_condition(k, report) for k in report.open[:SHOWN]],
        "more_troubles": len(report.open[SHOWN:]),
        "over": [_over(k, report) for k in report.over[:SHOWN]],
        "more_over": len(report.over[SHOWN:]),
        "meanwhile": _meanwhile(report, thresholds),
        "health_url": head.dashboard_url and urljoin(head.dashboard_url, "/health"),
    }
    ident = message_id(_events(report), [to], head.id_domain)
    subject, text = str(content["subject"]), head.render("operator.txt", content)
    return MailDraft(
        message_id=ident,
        recipient=to,
        subject=subject,
        text_body=text,
        html_body=head.render("operator.html", content),
        kind=MailKind.OPERATOR,
        payload=note(
            kind=MailKind.OPERATOR,
            message_id=ident,
            headline=subject,
            text=text,
            rule=None,
            severity=Severity.WARNING,
            as_of=report.as_of,
            synthetic=head.synthetic,
            url=head.dashboard_url,
        )
        if is_webhook(to)
        else None,
    )


def _title(report: OperatorNews) -> str:
    """The trouble itself when there is one, else how many there are."""
    match report.begun, report.lasting, report.over:
        case [one], [], []:
            return one.condition.sentence
        case [], [one], []:
            return f"Ongoing: {one.condition.sentence}"
        case [], [], [one]:
            return one.end_sentence
        case begun, lasting, over:
            counts = (
                (len(begun), number(len(begun), "issue")),
                (len(lasting), f"{len(lasting):,} ongoing"),
                (len(over), f"{len(over):,} resolved"),
            )
            return ", ".join(words for n, words in counts if n)


def _condition(known: KnownCondition, report: OperatorNews) -> dict[str, object]:
    facts = [("Since", minute(known.condition.since))]
    if known.condition.detail:
        facts.append(("Detail", known.condition.detail))
    if known in report.lasting and known.told_at is not None:
        facts.append(("Last reported", minute(known.told_at)))
    return {"sentence": known.condition.sentence, "facts": facts, "to_do": known.condition.to_do}


def _over(known: KnownCondition, report: OperatorNews) -> dict[str, object]:
    facts = [("Issue", known.condition.sentence), ("Since", minute(known.condition.since))]
    if known.ended_at is not None:
        facts.append(("End noticed", minute(known.ended_at)))
    came_back = known.condition.key in report.again
    return {
        "sentence": f"In between: {known.end_sentence}" if came_back else known.end_sentence,
        "facts": facts,
    }


def _meanwhile(report: OperatorNews, thresholds: Thresholds) -> list[str]:
    """What follows from it, and what does not."""
    kinds = {k.condition.key.kind for k in report.open}
    lines: list[str] = []
    if kinds - ABOUT_MAILS:
        lines += [
            "Accounts that are not read keep their status: none is reported as blocked or restored.",
            "The time until they are read again is recorded as not checked.",
        ]
    if kinds & ABOUT_MAILS:
        lines.append("Reading and recording do not depend on email: the dashboard shows everything.")
    if kinds:
        lines.append(
            f"An issue that lasts is reported again after {span(thresholds.remind_every)}. "
            "An email also says when it is over."
        )
    elif {k.condition.key.kind for k in report.over} - ABOUT_MAILS:
        lines.append(
            "Accounts that were not read in that time stay “not checked”: no status is claimed for them."
        )
    return lines


def _events(report: OperatorNews) -> Iterable[str]:
    for k in report.begun:
        yield f"{_fact(k)}:begun"
    for k in report.lasting:
        yield f"{_fact(k)}:still so after {k.told_at and k.told_at.isoformat()}"
    for k in report.over:
        yield f"{_fact(k)}:over"


def _fact(known: KnownCondition) -> str:
    key = known.condition.key
    platform = "" if key.platform is None else key.platform.value
    return ":".join((key.kind.value, platform, key.place, key.vantage, known.condition.since.isoformat()))
