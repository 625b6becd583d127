"""Emails about what country labelers begin or cease to withhold. Only rules with `labels` send them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard.auth.signed_links import Link, LinkAction
from jobs.base.wording import account_name, minute, number
from jobs.messages.compose import Letterhead
from jobs.messages.notice import NoticeContent, NoticeItem, notice_draft
from storage.alerts import label_alerts, mutes, outbox, rules
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.label_alerts import LabelNews
from storage.model.alerts.rules import Digest, Match, Mute, RuleId, StoredRule, digest_after, notice_at
from storage.model.core.accounts import TargetKind
from storage.model.core.labels import LabeledKind, LabelStep
from storage.model.text.countries import country_name
from storage.model.text.states import capital, clean
from storage.postgres.installation import link_key
from storage.postgres.pool import Conn, Pool, Refused, StaleState, transaction

LOOK_BACK = timedelta(days=3)
"""What was received longer ago than this plus the longest delay of any rule is not sent."""
_LONGEST_DIGEST = timedelta(days=8)
_NOUNS = {LabeledKind.ACCOUNT: "account", LabeledKind.POST: "post", LabeledKind.RECORD: "other record"}
_VERBS = {LabelStep.ADDED: "begins to withhold", LabelStep.LIFTED: "ceases to withhold"}
_NOT_CLAIMED = (
    "A label is what the labeler states, with its own times; it says nothing about why. Labels change no "
    "status: what Blockline itself read of an account is on the account's page."
)


@dataclass(frozen=True, slots=True)
class LabelNotice:
    """The labels of one country that one rule reports in one email, at `at`."""

    stored: StoredRule
    country: str
    news: tuple[LabelNews, ...]
    """Oldest first."""
    at: datetime

    @property
    def recipients(self) -> tuple[str, ...]:
        """Those who have not unsubscribed, if it is a digest."""
        to = dict.fromkeys(self.stored.rule.recipients)
        return tuple(to) if self.stored.rule.digest is Digest.NONE else self.stored.readers(to)


def label_notices(
    news: Sequence[LabelNews],
    known: Sequence[StoredRule],
    reported: Collection[tuple[RuleId, int, LabelStep]],
    last_reported: Mapping[tuple[RuleId, str], datetime],
    muted: Collection[Mute],
) -> list[LabelNotice]:
    """Return the notices that are due now or later, earliest first: one for each rule and country, which
    gathers what comes until it is sent.
    """
    found: list[LabelNotice] = []
    for stored in known:
        if not (stored.enabled and stored.rule.labels and stored.rule.recipients):
            continue
        mine: dict[str, list[LabelNews]] = {}
        for one in news:
            if (
                one.step in stored.rule.labels
                and one.known_at >= stored.active_since
                and (stored.rule_id, one.label_id, one.step) not in reported
                and _is_about(stored.rule.match, one)
                and not any(_covers(mute, one) for mute in muted)
            ):
                mine.setdefault(one.country, []).append(one)
        for country, some in mine.items():
            at = _due(stored, some, last_reported.get((stored.rule_id, country)))
            found.append(LabelNotice(stored, country, tuple(some), at))
    return sorted(found, key=lambda one: (one.at, one.stored.rule_id, one.country))


async def tick(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Queue the emails that are due; returns how many."""
    made = 0
    try:
        async with transaction(pool) as conn:
            await outbox.begin(conn)
            # Read here: the key may have been rotated since this process began.
            head = replace(head, link_key=await link_key(conn))
            for one in await _known(conn, now):
                if one.at > now:
                    break
                await label_alerts.mark_labels_reported(conn, one.stored.rule_id, one.news, now)
                for recipient in one.recipients:
                    made += await outbox.queue(conn, draft(one, recipient, head), now) is not None
    except (StaleState, Refused):
        return 0  # Sent or purged meanwhile; the next tick looks again.
    return made


async def next_due(conn: Conn, now: datetime) -> datetime | None:
    """When the next notice is due; None if none waits."""
    return min((one.at for one in await _known(conn, now)), default=None)


async def _known(conn: Conn, now: datetime) -> list[LabelNotice]:
    known = [stored for stored in await rules.load_rules(conn) if stored.rule.labels and stored.enabled]
    if not known:
        return []
    back = max(
        LOOK_BACK + _LONGEST_DIGEST + stored.rule.longest_settle + stored.rule.update_after
        for stored in known
    )
    wanted = [stored.rule.match.countries for stored in known]
    countries = frozenset[str]().union(*wanted) if all(wanted) else frozenset[str]()
    ids = [stored.rule_id for stored in known]
    news = await label_alerts.label_news(conn, now - back, now, ids, countries)
    if not news:
        return []
    reported = await label_alerts.labels_reported(conn, [one.label_id for one in news])
    last = await label_alerts.last_label_notices(conn)
    return label_notices(news, known, reported, last, await mutes.running(conn, now))


def draft(one: LabelNotice, recipient: str, head: Letterhead) -> MailDraft:
    """The email to one recipient."""
    content = NoticeContent(
        kind=MailKind.LABELS,
        headline=_headline(one),
        items=[_item(news) for news in one.news],
        not_claimed=_NOT_CLAIMED,
        as_of=one.news[-1].known_at,
        keys=[f"label {news.news_key}" for news in one.news],
        page=f"/countries/{one.country}/labels",
    )
    unsubscribe = None
    if one.stored.rule.digest is not Digest.NONE:
        unsubscribe = head.link(Link(LinkAction.UNSUBSCRIBE, one.stored.rule.name, recipient, one.at))
    return notice_draft(content, one.stored.rule, recipient, head, unsubscribe)


def _due(stored: StoredRule, news: Sequence[LabelNews], last_reported: datetime | None) -> datetime:
    first, last = news[0].known_at, news[-1].known_at
    if stored.rule.digest is Digest.NONE:
        return notice_at(stored.rule, first, last, last_reported)
    return digest_after(first, stored.rule)


def _headline(one: LabelNotice) -> str:
    where = f"{country_name(one.country)} ({one.country})"
    if len(one.news) == 1:
        return f"{where}: labeler {_VERBS[one.news[0].step]} {_name(one.news[0])}"
    parts = [
        f"{_VERBS[step]} {counted}" for step in LabelStep if (counted := _counted(one.news, step)) is not None
    ]
    return f"{where}: labeler {' and '.join(parts)}"


def _counted(news: Sequence[LabelNews], step: LabelStep) -> str | None:
    """How many subjects of each kind: "3 accounts and 12 posts"; None if there are none."""
    kinds = Counter(kind for _, kind in {(one.subject, one.kind) for one in news if one.step is step})
    some = [number(kinds[kind], noun) for kind, noun in _NOUNS.items() if kinds[kind]]
    return " and ".join([", ".join(some[:-1]), some[-1]] if len(some) > 1 else some) or None


def _item(news: LabelNews) -> NoticeItem:
    if news.has_expired:
        when = f"The label expired on {minute(news.stated_at)}, by the labeler's own time."
    else:
        when = f"Stated by the labeler: {minute(news.stated_at)}. Received: {minute(news.known_at)}."
    if news.account_id is None:
        ours = "Label only: Blockline does not store it and read nothing about it."
    elif news.is_watched:
        names = ", ".join(clean(name, 80) for name in sorted(name for _, name in news.lists))
        ours = f"Watched. Lists: {names}." if names else "Watched, on no list."
    else:
        ours = "Stored, not watched: Blockline does not read it now."
    return NoticeItem(capital(f"{_VERBS[news.step]} {_name(news)} ({clean(news.value)})"), (when, ours))


def _name(news: LabelNews) -> str:
    if news.handle is not None:
        return account_name(news.platform, news.handle)
    return f"{_NOUNS[news.kind]} {clean(news.subject, 300)}"


def _is_about(match: Match, news: LabelNews) -> bool:
    """Whether a rule is about it. Only what is stored here has lists, tags and followers."""
    is_account = news.kind is LabeledKind.ACCOUNT
    return (
        (match.only is None or (match.only is TargetKind.ACCOUNTS) is is_account)
        and (not match.platforms or news.platform in match.platforms)
        and (not match.countries or news.country in match.countries)
        and (not match.lists or any(name in match.lists for _, name in news.lists))
        and (not match.orders or not match.orders.isdisjoint(news.orders))
        and (not match.tags or not match.tags.isdisjoint(news.tags))
        and (news.is_executive or not match.executives)
        and (
            match.min_followers is None
            or (news.followers is not None and news.followers >= match.min_followers)
        )
    )


def _covers(mute: Mute, news: LabelNews) -> bool:
    """Whether a mute covers it, and ran when it was received."""
    if news.known_at < mute.since or (mute.until is not None and news.known_at >= mute.until):
        return False
    if mute.account_id is not None:
        return mute.account_id == news.account_id
    return mute.list_id is None or any(list_id == mute.list_id for list_id, _ in news.lists)
