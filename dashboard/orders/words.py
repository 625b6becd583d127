"""The figures of an order in sentences, each share with its denominator."""

from datetime import datetime, timedelta

from dashboard.orders.facts import OrderFigures
from dashboard.ui import words
from dashboard.ui.words import range_words, share
from storage.model.core.orders import Claim, ClaimedTargets, ClaimedWhat
from storage.model.orders.block_groups import BlockGroup, FirstBack, block_groups, first_back
from storage.model.orders.claims import CheckedClaim, Verdict
from storage.model.orders.cohort import CohortMember, Kind
from storage.model.orders.curve import CurveStep
from storage.model.text.countries import country_name
from storage.model.text.states import clean
from storage.model.text.target_counts import WITH_ARTICLE, Noun
from storage.model.text.units import number

GROUPS_NAMED = 3
"""Groups blocked together whose times the sentences give."""
ORDER_LABELS = {
    "title": "Title",
    "reference": "Reference",
    "issuer": "Issued by",
    "country": "Country",
    "legal_basis": "Legal basis",
    "issued_at": "Date of issue",
    "issued_from": "the first day of “Disputed between”",
    "issued_to": "its last day",
    "deadline_at": "Deadline",
    "named_count": "Accounts named",
    "list_name": "List",
}
"""What forms and the history call each field of an order."""

WHAT_WORDS = {
    ClaimedWhat.WITHHELD: "withheld",
    ClaimedWhat.SUSPENDED: "suspended",
    ClaimedWhat.BLOCKED: "blocked",
    ClaimedWhat.RESTORED: "restored",
    ClaimedWhat.ACTED_ON: "acted upon",
    ClaimedWhat.AVAILABLE: "available",
}
TARGET_WORDS = {
    ClaimedTargets.ACCOUNTS: "accounts",
    ClaimedTargets.POSTS: "posts",
    ClaimedTargets.BOTH: "accounts and posts",
}
OBSERVED_AS = {
    ClaimedWhat.WITHHELD: "withheld in the country of the order, or in all countries",
    ClaimedWhat.SUSPENDED: "suspended by the platform",
    ClaimedWhat.BLOCKED: "withheld or suspended",
    ClaimedWhat.RESTORED: "blocked earlier, and restored by that time",
    ClaimedWhat.ACTED_ON: "withheld or suspended at that time; the higher number also counts those "
    "that were blocked earlier since the order, and those that were gone for any reason",
    ClaimedWhat.AVAILABLE: "available",
}
VERDICT_WORDS = {
    Verdict.BORNE_OUT: "The readings confirm it.",
    Verdict.UNDECIDED: "The readings can neither confirm nor refute it.",
    Verdict.MORE_SEEN: "More were observed than claimed.",
    Verdict.FEWER_POSSIBLE: "There were fewer than claimed, even if all that were not observed are counted.",
}


def kind(value: Kind, country: str) -> str:
    """Return the name of a kind."""
    match value:
        case Kind.WITHHELD:
            return f"Withheld in {country_name(country)}"
        case Kind.SUSPENDED:
            return "Suspended everywhere"
        case Kind.SUSPENDED_OR_DELETED:
            return "Suspended or deleted"
        case Kind.DEACTIVATED:
            return "Deactivated"
        case Kind.NOT_FOUND:
            return "Not found"
        case Kind.WITHHELD_ELSEWHERE:
            return "Withheld elsewhere only"
        case Kind.PROTECTED:
            return "Protected by its owner"
        case Kind.AVAILABLE:
            return "Available"
        case Kind.NEVER_READ:
            return "Never read"


def kind_inside(value: Kind, country: str) -> str:
    """Return the name for use within a sentence: "withheld in India"."""
    words_for = kind(value, country)
    return words_for[:1].lower() + words_for[1:]


def counted(value: Kind) -> str:
    """Say whether a kind counts as blocked, and why not."""
    if value.is_block:
        return "counted as blocked"
    match value:
        case Kind.SUSPENDED_OR_DELETED:
            return "not counted, because the platform does not say which"
        case Kind.DEACTIVATED:
            return "not counted, because its owner may have closed it"
        case Kind.NOT_FOUND:
            return "not counted, because the reason is not known"
        case Kind.WITHHELD_ELSEWHERE:
            return "not counted, because it is not in the country of the order"
        case Kind.NEVER_READ:
            return "unknown"
        case _:
            return "not blocked"


def claim_words(claim: Claim) -> str:
    """Return the number of a claim: "at least 4 of 10 posts withheld". Without a kind, none was stated."""
    more = "at least " if claim.at_least else ""
    part = f"{claim.count:,} of " if claim.of is not None else ""
    whole = claim.count if claim.of is None else claim.of
    counted = f"{whole:,}" if claim.targets is None else counted_targets(whole, claim.targets)
    return f"{more}{part}{counted} {WHAT_WORDS[claim.what]}"


def observed_words(found: CheckedClaim) -> str:
    """Return how many were observed to fit a claim, or that none of them was read then."""
    return range_words(found.low, found.high) if found.read else "not known"


def verdict_words(found: CheckedClaim) -> str:
    """Say whether the readings confirm a claim, and how many were not observed."""
    unseen = ""
    if found.unobserved is None:
        unseen = f" How many {TARGET_WORDS[found.compared]} the order names is not known."
    elif found.unobserved:
        unseen = f" Not observed at that moment: {counted_targets(found.unobserved, found.compared)}."
    return f"{VERDICT_WORDS[found.verdict]}{unseen}"


def counted_targets(n: int, targets: ClaimedTargets) -> str:
    """Return a number of those with which a claim is compared: "3 posts", "5 accounts and posts"."""
    match targets:
        case ClaimedTargets.ACCOUNTS:
            return number(n, "account")
        case ClaimedTargets.POSTS:
            return number(n, "post")
        case ClaimedTargets.BOTH:
            return "1 account or post" if n == 1 else f"{n:,} accounts and posts"


def observed_as(found: CheckedClaim) -> str:
    """Say what was counted beside a claim's number, and with what it was compared if that is not stated."""
    return f"Observed: {OBSERVED_AS[found.claim.what]}. {compared_words(found)}".strip()


def compared_words(found: CheckedClaim) -> str:
    """Say with what a claim was compared if its source does not say what it counts; else empty."""
    if found.claim.targets is not None:
        return ""
    compared = TARGET_WORDS[found.compared]
    return f"Compared with {compared}: its source does not say whether it counts accounts, posts or both."


def deadline_words(deadline: datetime, at: datetime) -> str:
    """How far off a deadline is: "5 d 4 h past the deadline"."""
    left = deadline - at
    if left > timedelta(0):
        return f"{words.span(left)} until the deadline"
    return f"{words.span(-left)} past the deadline"


def at_deadline(found: OrderFigures, step: CurveStep) -> str:
    """Return how many were blocked by a deadline, or that none of them had been read."""
    if not step.read:
        return f"not known, because no {found.noun} on its list had been read"
    low, high = step.certain, step.possible
    between = (
        share(low, found.watched)
        if low == high
        else f"{share(low, found.watched)} to {share(high, found.watched)}"
    )
    unread = f"; {step.unread:,} not checked" if step.unread else ""
    return f"{range_words(low, high)} of {counted_words(found)} blocked ({between}){unread}"


def counted_words(found: OrderFigures) -> str:
    """Return how many are on its list: "1,178 accounts"."""
    return number(found.watched, found.noun)


def any_of(found: OrderFigures) -> str:
    """Return one of what the order is about: "an account", "a post" or "an account or a post"."""
    return " or ".join(WITH_ARTICLE[one.noun] for one in found.sections)


def nouns(found: OrderFigures) -> str:
    """Return what the order is about: "accounts", "posts" or "accounts and posts"."""
    return " and ".join(f"{one.noun}s" for one in found.sections)


def ranking(found: OrderFigures) -> str:
    """Return in which order lanes and rows are, as `by_first_block` sorts them."""
    return f"earliest block first{', posts after their author' if len(found.sections) > 1 else ''}"


def sentences(found: OrderFigures) -> list[str]:
    """Return what a newcomer has to know first: about its accounts, its posts, and the whole order."""
    order = found.order
    if not any(one.watched or one.funnel.named for one in found.sections) and found.names.not_observable:
        return _not_observable(found)
    out = [sentence for one in found.sections for sentence in _of_section(one)]
    out += _not_observable(found)
    if not any(one.watched for one in found.sections):
        return out
    if n := found.names.withdrawn:
        out.append(f"Withdrawn: {n:,} of its names. {'It does' if n == 1 else 'They do'} not count.")
    if order.known_at - order.issued_at > timedelta(hours=6):
        out.append(
            f"The order was entered here {words.span(order.known_at - order.issued_at)} after its date. "
            f"Earlier readings of its {nouns(found)} exist only if they were made for other reasons."
        )
    return out


def _of_section(found: OrderFigures) -> list[str]:
    """Return the sentences about its accounts, or about its posts."""
    order, funnel = found.order, found.funnel
    if not found.watched:
        listed = "it is not" if funnel.named == 1 else "none of them is"
        return [
            f"The order names {number(funnel.named, found.noun)}, but {listed} on its list. How far "
            "the order was followed is therefore not known."
        ]
    out = [_so_far(found), *_together(found)]
    if (first := first_seen_back(found)) is not None:
        out.append(first_back_words(first, found.noun))
    if funnel.read and (n := found.watched - funnel.read):
        out.append(
            f"Never read: {number(n, found.noun)} on its list. Whether any of them was blocked is not known."
        )
    if funnel.blocked_before:
        n = funnel.blocked_before
        out.append(
            f"{number(n, found.noun)} {'was' if n == 1 else 'were'} seen blocked before the order was "
            "issued, so the order did not cause these blocks."
        )
    if found.at_deadline is not None and order.deadline_at is not None:
        out.append(
            f"At the deadline, {words.stamp(order.deadline_at)}: {at_deadline(found, found.at_deadline)}."
        )
    if funnel.named > found.watched:
        out.append(
            f"The order names {number(funnel.named, found.noun)}; this installation knows nothing about "
            f"{funnel.named - found.watched:,} of them."
        )
    return out


def _not_observable(found: OrderFigures) -> list[str]:
    n = found.names.not_observable
    if not n:
        return []
    are = "is an address of a site" if n == 1 else "are addresses of sites"
    return [f"Not observable: {n:,} of its names {are} that Blockline does not read."]


def _so_far(found: OrderFigures) -> str:
    funnel, whole = found.funnel, found.watched
    if not funnel.read:
        return (
            f"No {found.noun} on its list has been read yet. How far the order was followed is therefore not "
            "known."
        )
    if not funnel.ever_blocked:
        return f"Read on its list: {number(funnel.read, found.noun)}. None was seen blocked since the order."
    stale = f" ({funnel.blocked_stale:,} of them not read lately)" if funnel.blocked_stale else ""
    are = "is" if funnel.blocked_now == 1 else "are"
    parts = [f"{funnel.blocked_now:,} {are} blocked now{stale}"]
    if funnel.restored:
        parts.append(f"{funnel.restored:,} {'is' if funnel.restored == 1 else 'are'} back")
    if funnel.gone_since:
        parts.append(f"{funnel.gone_since:,} {'is' if funnel.gone_since == 1 else 'are'} gone")
    by_now = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    were = "was" if funnel.ever_blocked == 1 else "were"
    return (
        f"{funnel.ever_blocked:,} of the {counted_words(found)} on its list "
        f"({share(funnel.ever_blocked, whole)}) {were} seen blocked at some time since the order: {by_now}."
    )


def _together(found: OrderFigures) -> list[str]:
    """Say when the largest groups were blocked, and when they came back, in order of time."""
    order = found.order
    groups = block_groups(found.cohort.members, order.earliest_issue, found.at)
    largest = sorted(groups, key=lambda g: g.accounts, reverse=True)[:GROUPS_NAMED]
    out = [_group(group, found.noun) for group in groups if group in largest]
    if others := len(groups) - len(out):
        out.append(f"Blocked at other times: {number(others, 'smaller group')}.")
    return out


def _group(group: BlockGroup, noun: str) -> str:
    blocked = f"Blocked {words.between(group.after, group.until)}: {number(group.accounts, noun)}."
    if group.back_until is None:
        return f"{blocked} Seen back: none."
    back = "all" if group.back == group.accounts else f"{group.back:,}"
    return f"{blocked} Seen back {words.between(group.back_after, group.back_until)}: {back}."


def first_seen_back(found: OrderFigures) -> FirstBack | None:
    """Return who of its accounts, or of its posts, was seen back first; None if none was."""
    order = found.order
    return first_back(found.cohort.members, order.earliest_issue, found.at)


def first_back_words(first: FirstBack, noun: Noun) -> str:
    """Say who was seen back first and between which readings, and which block ended there."""
    others = len(first.members) - 1
    more = f" and {number(others, f'more {noun}')}" if others else ""
    return (
        f"First seen back {words.between(first.after, first.until)}: {member_name(first.members[0])}{more}, "
        f"blocked {words.between(first.blocked_after, first.blocked_until)}."
    )


def member_name(member: CohortMember) -> str:
    return f"@{clean(member.handle, 120)}"


def source(text: str) -> str:
    return clean(text, 200)
