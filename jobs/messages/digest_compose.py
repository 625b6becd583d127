"""Pure: from what a digest or round-up tells to the words of one mail.

The same facts make the same mail on every machine: its Message-ID comes from the rule, the time up to which
it tells, what it tells and the recipient.
"""

from collections.abc import Sequence
from urllib.parse import urljoin

from dashboard.auth.signed_links import Link, LinkAction
from jobs.alerting.waves import facts
from jobs.base.wording import number, zone_note
from jobs.messages import (
    caveats,
    cohort_counts,
    digest_words,
    wave_content,
)
from jobs.messages.compose import Letterhead, Picture, list_url, message_id, places
from jobs.messages.digest_facts import DigestCohort, DigestContent
from jobs.messages.digest_sections import sections, shares
from jobs.messages.webhook_payload import note
from storage.model.alerts.alerts import Cohort, ListStatus, MailDraft, MailKind
from storage.model.alerts.rules import is_webhook
from storage.model.text.states import capital, clean, counts_as_blocked
from storage.model.text.target_counts import TargetCount

COHORTS_SHOWN = 8
"""Those in full; of more a line each."""
COHORTS_BRIEF = 20
ACCOUNTS_LISTED = 60
"""In the whole mail: a larger one is cut short by some mail programs."""
FEWEST_LISTED = 5
"""Of each cohort that is shown in full."""
_UNSEEN = "Changes that were reversed between two readings of an account."
_QUIET = "That nothing happened: this email reports only what was read and confirmed."


def compose(
    digest: DigestContent, head: Letterhead, recipient: str, picture: Picture | None = None
) -> MailDraft:
    """What one recipient is told. `picture` shows the first part."""
    due, rule = digest.due, digest.due.stored.rule
    kind = digest_words.title(due)
    title = f"{head.mark}{digest_words.subject(digest)}"
    # What was recorded just before a morning may come to light after its round-up: then there are two.
    which = (kind, rule.name, due.until.isoformat(), *facts(a for p in digest.parts for a in p.whole.alerts))
    ident = message_id(which, (recipient,), head.id_domain)
    unsubscribe = head.link(Link(LinkAction.UNSUBSCRIBE, rule.name, recipient, due.until))
    shown, brief = digest.parts[:COHORTS_SHOWN], digest.parts[COHORTS_SHOWN:]
    room = shares([len(part.told.alerts) for part in shown], ACCOUNTS_LISTED, FEWEST_LISTED)
    content = {
        "number": number,
        "subject": title,
        "synthetic": head.synthetic,
        "kicker": "Catch-up digest" if due.is_round_up else capital(kind),
        "headline": digest_words.headline(digest),
        "period": digest_words.period(digest),
        "more_than_once": digest_words.more_than_once(digest) if digest.parts else None,
        "lead": digest_words.lead(digest.look),
        "standing": [(*row, "") for row in digest_words.standing_rows(digest.look)]
        if digest.look.states and not (due.is_round_up and len(digest.parts) == 1)
        else [],
        "cohorts": [
            _cohort(part, rule.zone, share, picture if i == 0 else None, head.dashboard_url)
            for i, (part, share) in enumerate(zip(shown, room, strict=True))
        ],
        "brief": _brief(brief),
        "quiet": [_quiet(cohort, status) for cohort, status in digest.quiet.shown],
        "quiet_more": digest.quiet.more,
        "still_open": digest_words.still_open(digest.look),
        "coverage": digest_words.coverage(digest.look, rule.zone),
        "unknown": _unknown(digest),
        "not_claimed": _not_claimed(digest),
        "zone_note": zone_note(rule.zone, due.until),
        "dashboard_url": head.dashboard_url,
        "account_url": head.dashboard_url and urljoin(head.dashboard_url, "/account/"),
        "places": places(head.dashboard_url, None, {}, ident if head.has_pages else None),
        "unsubscribe_url": unsubscribe,
        "rule": clean(rule.name),
        "scope": digest_words.scope(rule.match, digest.look.count),
    }
    text = head.render("summary.txt", content)
    return MailDraft(
        message_id=ident,
        recipient=recipient,
        subject=title,
        text_body=text,
        html_body=head.render("summary.html", content),
        kind=MailKind.DIGEST,
        picture=picture and picture.png,
        payload=note(
            kind=MailKind.DIGEST,
            message_id=ident,
            headline=title,
            text=text,
            rule=rule.name,
            severity=rule.severity,
            as_of=due.until,
            synthetic=head.synthetic,
            url=head.dashboard_url,
        )
        if is_webhook(recipient)
        else None,
        unsubscribe_url=unsubscribe,
    )


def _cohort(
    part: DigestCohort, zone: str, share: int, picture: Picture | None, base: str | None
) -> dict[str, object]:
    lines = wave_content.cohort_lines(part.told, part.standing)
    if (also := wave_content.other_lists(part.told)) is not None:
        lines.append(also)
    return {
        "name": capital(wave_content.cohort_name(part.cohort)),
        "url": list_url(base, part.cohort),
        "lines": lines,
        "counts": [
            (capital(c.label), c.share, c.difference) for c in cohort_counts.counts(part.whole, part.standing)
        ],
        "picture": picture and picture.alternative,
        "sections": sections(part.told, zone, share),
        "flap_phrase": wave_content.flap_phrase(part.told.flaps) if part.told.flaps else None,
        "flap_count": wave_content.count_of(f.alert for f in part.told.flaps),
        "flaps": wave_content.flap_stories(part.told, zone),
    }


def _brief(parts: Sequence[DigestCohort]) -> list[tuple[str, str, str]]:
    rows = [
        (capital(wave_content.cohort_name(p.cohort)), wave_content.count_of(p.told.alerts).words(), "")
        for p in parts[:COHORTS_BRIEF]
    ]
    if more := parts[COHORTS_BRIEF:]:
        rest = wave_content.count_of(a for p in more for a in p.told.alerts)
        rows.append((f"On {len(more):,} more", rest.words(), ""))
    return rows


def _quiet(cohort: Cohort, status: ListStatus) -> tuple[str, str, str]:
    parts = [(status, TargetCount(status.watched))] if status.watched or status.posts is None else []
    if status.posts is not None:
        parts.append((status.posts, TargetCount(0, status.posts.watched)))
    said = " and ".join(f"{_blocked(one):,} of {count.words('watched')}" for one, count in parts)
    return capital(wave_content.cohort_name(cohort)), f"{said} blocked", ""


def _blocked(status: ListStatus) -> int:
    return sum(n for platform, state, n in status.states if counts_as_blocked(state.status, platform))


def _unknown(digest: DigestContent) -> list[str]:
    return [*(caveats.unknown(digest.everything) if digest.parts else ()), _UNSEEN]


def _not_claimed(digest: DigestContent) -> list[str]:
    posts = any(a.change.is_post for part in digest.parts for a in part.told.alerts)
    lines = [line for part in digest.parts for line in caveats.not_claimed(part.told, with_posts=posts)]
    return list(dict.fromkeys(lines)) or [_QUIET]
