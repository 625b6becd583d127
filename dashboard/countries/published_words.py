"""What was seen in a half-year beside the published figures, in sentences that say of whom they speak."""

from dataclasses import dataclass

from dashboard.ui import words
from dashboard.ui.words import accounts, range_words, share
from storage.countries.label_census import LabelHalfYear
from storage.model.orders.published_vs_observed import (
    FIGURES,
    Claimed,
    HalfYearTally,
    ObservedFigures,
    ObservedPosts,
    Recorded,
    disagreements,
)
from storage.model.text.countries import country_name
from storage.model.text.states import clean
from storage.model.text.target_counts import Noun
from storage.model.text.units import number

FIGURE_WORDS = {
    "demands": "demands",
    "accounts_specified": "accounts specified in demands",
    "accounts_withheld": "accounts withheld",
    "tweets_withheld": "posts withheld",
    "accounts_tos": "accounts acted on under the platform's own rules",
    "pct_some_withheld": "the share of demands that were followed",
}
NOT_OBSERVED = "Not observed"
NOTHING_READ = "No account was read in this half-year."
WHAT_IT_DOES_NOT_SAY = (
    "Published figures cover all accounts that demands specified. Observed figures cover only the accounts "
    "that were read, and are the minimum among them. A change counts as certain if both readings around it "
    "lie in the half-year. A difference alone is not a contradiction: a platform may count an account in the "
    "half-year of the demand, withhold single posts instead, or withhold without a demand. Sources copy from "
    "each other and from the same reports, so their figures are never added up. A dash means “not reported”. "
    "Neither a dash nor “not observed” means zero."
)
LABELS_NOTE = (
    "Labels cover all accounts and posts, watched or not; published figures may count other measures too. "
    "A labeler may drop a label that it withdrew, so earlier half-years may lack some."
)


@dataclass(frozen=True, slots=True)
class ObserverSummary:
    """What one observer saw in a half-year."""

    who: str
    head: str
    lines: tuple[str, ...]


def observer_summaries(found: Claimed, country: str) -> list[ObserverSummary]:
    """Our own monitor first, of accounts and then of posts, then the published records together."""
    out: list[ObserverSummary] = []
    if found.own is not None:
        out.append(
            ObserverSummary("Blockline", _head(found.own.withheld), _own_lines(found, found.own, country))
        )
    if found.posts is not None:
        of_posts = _post_lines(found, found.posts)
        out.append(ObserverSummary("Blockline, posts", _head(found.posts.withheld), of_posts))
    if found.recorded is not None:
        records = ", ".join(clean(s, 120) for s in found.recorded.sources)
        out.append(
            ObserverSummary(records, _head(found.recorded.withheld), _record_lines(found, found.recorded))
        )
    return out or [ObserverSummary("Blockline", NOT_OBSERVED, (NOTHING_READ,))]


def disagreement_lines(found: Claimed) -> list[str]:
    """One sentence for each figure of which the sources of a half-year report different values."""
    return [
        f"Sources disagree on {FIGURE_WORDS[name]}: {' and '.join(f'{v:,}' for v in values)}."
        for name, values in disagreements(found).items()
    ]


def _head(withheld: HalfYearTally) -> str:
    return f"{range_words(withheld.low, withheld.high)} became withheld"


def _own_lines(found: Claimed, own: ObservedFigures, country: str) -> tuple[str, ...]:
    return (
        _watched_line(found, own, country),
        *_first_look(own.withheld),
        f"Came back: {range_words(own.restored.low, own.restored.high)}.",
        _coverage_line(found, own),
        f"{comparison(found, own.withheld)} The observed figure is a lower bound for the watched "
        "accounts only, and says nothing about other accounts.",
    )


def _post_lines(found: Claimed, posts: ObservedPosts) -> tuple[str, ...]:
    return (
        f"Watched: {number(posts.watched, 'post')}. They are in no figure of accounts.",
        *_first_look(posts.withheld),
        f"Came back: {range_words(posts.restored.low, posts.restored.high)}.",
        f"{comparison(found, posts.withheld, 'post')} The observed figure is a lower bound for the watched "
        "posts only, and says nothing about other posts.",
    )


def _watched_line(found: Claimed, own: ObservedFigures, country: str) -> str:
    line = f"Watched: {accounts(own.watched)}, {own.named:,} named by orders of {country_name(country)}"
    reported = [int(v) for v in found.values(lambda r: r.accounts_specified)]
    if not reported:
        return f"{line}; no source reports how many accounts demands specified."
    specified = [n for n in reported if n]
    if not specified:
        return f"{line}; sources report that demands specified no accounts."
    if not own.named:
        of = " or ".join(f"{n:,}" for n in specified)
        return f"{line}; no watched account is known to be among the {of} specified."
    shares = " or ".join(f"{share(min(own.named, n), n)} of the {n:,} specified" for n in specified)
    return f"{line}. The named accounts are at most {shares}."


def _first_look(tally: HalfYearTally) -> tuple[str, ...]:
    if not tally.at_first_look:
        return ()
    was = "was" if tally.at_first_look == 1 else "were"
    return (
        f"{tally.at_first_look:,} {was} already withheld at the first reading; when that began is not known.",
    )


def _coverage_line(found: Claimed, own: ObservedFigures) -> str:
    looked = own.looked
    so_far = " so far" if looked.of_days < found.half.days else ""
    return (
        f"Readings from {words.day(looked.first)} to {words.day(looked.last)}, on {looked.days:,} of "
        f"{looked.of_days:,} days{so_far} ({share(looked.days, looked.of_days)})."
    )


def _record_lines(found: Claimed, recorded: Recorded) -> tuple[str, ...]:
    return (
        *_first_look(recorded.withheld),
        f"Came back: {range_words(recorded.restored.low, recorded.restored.high)}.",
        f"{comparison(found, recorded.withheld)} The records are not Blockline's readings. It is not "
        "known how many accounts their authors checked. The records say nothing about other accounts.",
    )


def comparison(found: Claimed, seen: HalfYearTally, noun: Noun = "account") -> str:
    """What the difference between the accounts, or posts, published as withheld and those seen can mean, and
    cannot.
    """
    reported = found.values(FIGURES["tweets_withheld" if noun == "post" else "accounts_withheld"])
    if not reported:
        return f"No source reports how many {noun}s were withheld."
    most = int(reported[-1])
    if seen.low > most:
        return (
            f"More {noun}s were seen to become withheld than the {most:,} reported. The platform may count "
            "them in another half-year or in another way, or leave them out."
        )
    if seen.high > most:
        return f"The readings do not show whether more {noun}s became withheld than the {most:,} reported."
    return (
        f"No more {noun}s were seen to become withheld than the {most:,} reported. This neither confirms "
        "nor refutes the figure."
    )


def label_line(one: LabelHalfYear) -> str:
    """What labelers of a country state of a half-year."""
    return (
        f"{one.half.name}, labels: {number(one.accounts_added, 'account')} added and {one.accounts_lifted:,} "
        f"lifted; {number(one.posts_added, 'post')} added and {one.posts_lifted:,} lifted."
    )
