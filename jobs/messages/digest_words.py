"""Pure: the sentences of a digest: what it is called, what happened in all, how well was looked."""

from collections import Counter
from collections.abc import Iterable, Sequence

from dashboard.ui.words import span
from jobs.alerting.policy import AlertGroup, DigestDue
from jobs.base.wording import handle_name, local_day, number, zoned_minute
from jobs.messages.digest_facts import DigestContent, DigestCoverage, DigestPlatform, StateNow, accounts
from jobs.messages.digest_sections import topics
from jobs.messages.wave_content import cohort_name, count_of, flap_phrase
from storage.model.alerts.alerts import AlertDecision, AlertStage, Cohort
from storage.model.alerts.digest_period import PastCondition, PlatformSilence
from storage.model.alerts.rules import Digest, Match
from storage.model.core.accounts import TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.text.states import PLATFORM_NAME, capital, clean, of_many
from storage.model.text.target_counts import TargetCount

TOPICS_NAMED = 4
SILENCES_NAMED = 3
TROUBLES_NAMED = 3
STATES_NAMED = 6
NAMES_NAMED = 4

_KIND = {
    ChangeKind.BLOCK: "blocks",
    ChangeKind.RESTORATION: "restorations",
    ChangeKind.PARTIAL: "countries added or removed",
    ChangeKind.GONE: "accounts gone",
    ChangeKind.RETURN: "accounts found again",
    ChangeKind.PROTECTION: "accounts protected or opened by their owners",
}
_WHY_UNTOLD = {
    AlertDecision.MUTED: "muted",
    AlertDecision.MAINTENANCE: "within a maintenance window",
    AlertDecision.UNREACHABLE: "from countries from which most measurements did not reach the platform",
    AlertDecision.UNSUBSCRIBED: "from a time without subscribers",
}


def title(due: DigestDue) -> str:
    match due.stored.rule.digest:
        case Digest.NONE:
            return "round-up"
        case Digest.DAILY:
            return "daily digest"
        case Digest.WEEKLY:
            return "weekly digest"


def subject(content: DigestContent) -> str:
    """Counts first: what happened, or that nothing did and how well was looked; then which mail it is."""
    due = content.due
    day = local_day(due.until, due.stored.rule.zone)
    return f"{''.join(_summary(content)) or _nothing(content.look)} - {title(due)}, {day}"


def headline(content: DigestContent) -> str:
    """The subject's counts, with the orders and lists that they are about."""
    if not content.parts:
        return _nothing(content.look)
    where = _where([part.cohort for part in content.parts])
    whole, parts = _summary(content)
    return f"{whole} {where}{parts}"


def _summary(content: DigestContent) -> tuple[str, str]:
    """`412 accounts changed` and `: 240 withheld in India (IN), 172 suspended`; empty when nothing is told.

    Where an account is counted under several topics, the parts add up to more than the whole, and say so.
    """
    if not content.parts:
        return "", ""
    whole = content.everything
    by_topic = _by_topic(whole)
    everybody = accounts(whole.alerts)
    if len(everybody) == 1:
        return f"{handle_name(whole.alerts[-1].change.handle)} {', '.join(text for _, text in by_topic)}", ""
    if len(by_topic) == 1:
        return f"{count_of(whole.alerts).words()} {of_many(by_topic[0][1])}", ""
    named = by_topic
    if len(by_topic) > TOPICS_NAMED:
        rest = {i for ids, _ in by_topic[TOPICS_NAMED - 1 :] for i in ids}
        named = [*by_topic[: TOPICS_NAMED - 1], (rest, "otherwise")]
    is_sure, posts = _is_sure(whole), _posts(whole)
    # Once a post is among them, a bare number would leave open what it counts.
    numbers = [_split(ids, posts).words() if posts else f"{len(ids):,}" for ids, _ in named]
    topics_said = (of_many(text) if len(ids) > 1 else text for ids, text in named)
    each = ", ".join(f"{n} {text}" for n, text in zip(numbers, topics_said, strict=True))
    again = ""
    if several := _under_several(by_topic):
        n = _split(several, posts).words() if posts else f"{len(several):,}"
        again = f", {n} {'' if is_sure else 'seen '}in more than one way"
    return f"{count_of(whole.alerts).words()}{' changed' if is_sure else ''}", f"{again}: {each}"


def _under_several(by_topic: Sequence[tuple[set[int], str]]) -> set[int]:
    """Who is counted under more than one topic."""
    counted = Counter(i for ids, _ in by_topic for i in ids)
    return {i for i, n in counted.items() if n > 1}


def _is_sure(whole: AlertGroup) -> bool:
    return all(a.stage is AlertStage.CONFIRMED for a in whole.alerts)


def _posts(whole: AlertGroup) -> set[int]:
    return {a.change.account_id for a in whole.alerts if a.change.is_post}


def _split(ids: set[int], posts: set[int]) -> TargetCount:
    return TargetCount(len(ids - posts), len(ids & posts))


def _by_topic(whole: AlertGroup) -> list[tuple[set[int], str]]:
    """Who is counted under what, the most first; accounts that go back and forth are a topic of their own."""
    found = [(accounts(alerts), text) for text, alerts in topics(whole)]
    if whole.flaps:
        found.append((accounts(f.alert for f in whole.flaps), flap_phrase(whole.flaps)))
    return sorted(found, key=lambda t: -len(t[0]))


def _nothing(look: DigestCoverage) -> str:
    """That there is nothing to tell, and no more than the readings bear."""
    if not look.watched:
        return "No watched account matches this rule"
    if not look.read:
        return f"Nothing known: none of {look.count.words()} was read"
    if look.untold:
        kept = number(sum(u.changes for u in look.untold), "change")
        return f"Nothing reported: {kept} left out"
    if unread := look.watched - look.read:
        return f"No change confirmed, but {unread:,} of {look.count.whole()} not read"
    seen = f", {look.provisional:,} provisional" if look.provisional else ""
    return f"No change confirmed in {look.count.words()}{seen}"


def more_than_once(content: DigestContent) -> str | None:
    """Why the numbers of the headline add up to more than its sum; None where they do not."""
    whole = content.everything
    again = _split(_under_several(_by_topic(whole)), _posts(whole))
    if not again:
        return None
    was, is_ = ("was", "is") if again.total == 1 else ("were", "are")
    changed = "changed" if _is_sure(whole) else f"{was} seen to change"
    return f"{again.words()} {changed} in more than one way and {is_} counted under each."


def period(content: DigestContent) -> str:
    """Which changes are told. They may have happened earlier than they were confirmed."""
    zone, look = content.due.stored.rule.zone, content.look
    sure = all(a.stage is AlertStage.CONFIRMED for p in content.parts for a in p.told.alerts)
    verb = "confirmed" if sure else "recorded"
    span_of = f"from {zoned_minute(look.since, zone)} to {zoned_minute(look.until, zone)}"
    if content.due.is_round_up:
        return f"Changes that were {verb} {span_of} and not sent at once."
    return f"Changes that were {verb} {span_of}."


def scope(match: Match, watched: TargetCount) -> str:
    """Which changes the rule is about: of others nothing follows from this mail. `watched` are the accounts
    and posts in its scope.
    """
    whom = match.only or TargetKind.ACCOUNTS
    if match.only is None and watched.posts:
        whom = "accounts and posts"
    kinds = ", ".join(words for kind, words in _KIND.items() if kind in match.kinds)
    kinds = kinds.replace("accounts", whom)
    of = [
        _of("on the list", "on the lists", match.lists),
        _of("of the order", "of the orders", match.orders),
        _of("on", "on", {PLATFORM_NAME[p] for p in match.platforms}),
        _of("withheld in", "withheld in", match.countries),
        _of("tagged", "tagged", match.tags),
        "" if match.min_followers is None else f"with {match.min_followers:,} followers or more",
        "of executives" if match.executives else "",
    ]
    about = ", ".join(filter(None, of))
    if about:
        about = f" {about}"
    only = f"; only {whom}{about}" if about or match.only else ""
    return f"The rule covers {kinds or 'nothing'}{only}."


def _of(one: str, several: str, names: Iterable[str]) -> str:
    shown = [clean(name) for name in sorted(names)]
    if not shown:
        return ""
    rest = len(shown) - NAMES_NAMED
    tail = f" and {rest} more" if rest > 0 else ""
    return f"{one if len(shown) == 1 else several} {', '.join(shown[:NAMES_NAMED])}{tail}"


def standing_rows(look: DigestCoverage) -> list[tuple[str, str]]:
    """How all watched accounts stood at the end, blocked ones first, and after them the posts, with every
    denominator named.
    """
    count, blocked = look.count, look.blocked
    rows: list[tuple[str, str]] = []
    if count.accounts or not count.posts:
        states = [s for s in look.states if not s.is_post]
        rows += _standing(states, blocked.accounts, TargetCount(count.accounts).words("watched"))
    if count.posts:
        states = [s for s in look.states if s.is_post]
        of_posts = _standing(states, blocked.posts, TargetCount(0, count.posts).words("watched"))
        rows += [(f"Posts {label[:1].lower()}{label[1:]}", said) for label, said in of_posts]
    return rows


def _standing(states: Sequence[StateNow], blocked: int, whole: str) -> list[tuple[str, str]]:
    rows = [("Blocked by the platforms", f"{blocked:,} of {whole}")]
    rows += [(capital(s.words), f"{s.number:,} of {whole}") for s in states[:STATES_NAMED]]
    if rest := sum(s.number for s in states[STATES_NAMED:]):
        rows.append(("In other states", f"{rest:,} of {whole}"))
    return rows


def lead(look: DigestCoverage) -> str:
    """How well was looked, for the head of the mail: before any figure that is not of its end."""
    if not look.watched:
        return ""
    verb = "was" if look.read == 1 else "were"
    read = f"{look.read:,} of {look.count.whole('watched')} {verb} read in this time."
    if not (late := sum(p.late for p in look.platforms)):
        return read
    whose = "its" if late == 1 else "their"
    return (
        f"{read} At the end, {late:,} had not been read for {span(look.late_after)} or longer; {whose} last "
        "known status is counted."
    )


def coverage(look: DigestCoverage, zone: str) -> list[str]:
    """How well was looked, and what was in the way; every number with what it is a part of."""
    lines = [_platform(p, look) for p in look.platforms]
    one = "an account or a post" if look.count.posts else "an account"
    if look.blocked_late:
        lines.append(
            f"Of {look.blocked.words('blocked')}, {look.blocked_late:,} had not been read for "
            f"{span(look.late_after)} or longer; the last known status is counted."
        )
    if look.asked:
        lines.append(
            f"This installation made {number(look.asked, 'attempt')} to read {one}; "
            f"{_share(look.answered, look.asked)} gave a conclusive answer."
        )
    lines += [_silence(silence, zone) for silence in look.silences[:SILENCES_NAMED]]
    if more := look.silences[SILENCES_NAMED:]:
        lines.append(f"There were also {number(len(more), 'shorter time')} without an answer.")
    lines += [_condition(condition, zone) for condition in look.troubles[:TROUBLES_NAMED]]
    if more := look.troubles[TROUBLES_NAMED:]:
        lines.append(f"The monitor had {number(len(more), 'other issue')}; see its Health page.")
    return lines


def _platform(p: DigestPlatform, look: DigestCoverage) -> str:
    whole, verb = p.count.whole("watched"), "was" if p.read == 1 else "were"
    read = f"{p.read:,} of {whole} ({_share(p.read, p.watched)}) {verb} read in this time"
    too_long = f"for {span(look.late_after)} or longer"
    late = "none" if not p.late else f"{p.late:,}"
    tail = "; the last known status is counted" if p.late else ""
    return (
        f"{PLATFORM_NAME[p.platform]}: {read}. At the end of this time, {late} had not been read "
        f"{too_long}{tail}."
    )


def _silence(silence: PlatformSilence, zone: str) -> str:
    since, until = zoned_minute(silence.since, zone), zoned_minute(silence.until, zone)
    return (
        f"No regular request to {PLATFORM_NAME[silence.platform]} was answered for {span(silence.length)}, "
        f"from {since} to {until}. The times of changes in between are less exact."
    )


def _condition(condition: PastCondition, zone: str) -> str:
    ended = condition.ended_at
    until = ", still open at the end" if ended is None else f" to {zoned_minute(ended, zone)}"
    return f"{condition.sentence}: from {zoned_minute(condition.since, zone)}{until}."


def still_open(look: DigestCoverage) -> list[str]:
    """What is not settled, or was kept back: a digest without it would say too much."""
    lines: list[str] = []
    if look.provisional:
        verb = "was" if look.provisional == 1 else "were"
        lines.append(
            f"{number(look.provisional, 'change')} {verb} seen but not yet confirmed at the end. Further "
            "readings will decide."
        )
    for one in look.untold:
        verb = "is" if one.changes == 1 else "are"
        lines.append(
            f"{number(one.changes, 'change')} {verb} not reported here ({_WHY_UNTOLD[one.decision]}). The "
            "dashboard shows all changes."
        )
    return lines


def _share(part: int, whole: int) -> str:
    """A percentage that is only 100 or 0 when it is exactly that."""
    tenths = round(1000 * part / whole)
    if part < whole:
        tenths = min(tenths, 999)
    if part:
        tenths = max(tenths, 1)
    return f"{tenths // 10}%" if not tenths % 10 else f"{tenths / 10:.1f}%"


def _where(cohorts: Sequence[Cohort | None]) -> str:
    if len(cohorts) == 1:
        return cohort_name(cohorts[0]) if cohorts[0] is None else f"on {cohort_name(cohorts[0])}"
    orders = sum(c is not None and c.order is not None for c in cohorts)
    lists = sum(c is not None and c.order is None for c in cohorts)
    named = [number(n, word) for n, word in ((orders, "order"), (lists, "list")) if n]
    if None in cohorts:
        named.append("no list")
    return f"on {' and '.join([', '.join(named[:-1]), named[-1]] if len(named) > 1 else named)}"
