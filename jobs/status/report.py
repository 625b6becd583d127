"""The status, now or in the past, as JSON (`as_json`, `then_json`) and as text (`as_text`, `then_text`)."""

from collections import Counter
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table

from dashboard.health.daily_cost_limit_words import daily_limit_notes, daily_spend, platform_name
from jobs.base.output import moment
from jobs.base.wording import number
from jobs.status.collectors import collector_lines, collectors_json
from jobs.status.workers import machine_lines, machines_json
from storage.health.status import Overview, StatusReport
from storage.health.status_at import PastStatus
from storage.model.core.accounts import Platform
from storage.model.core.availability import EVERYWHERE, Flag, Status
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import clean, group_words, short_words
from storage.model.text.target_counts import TargetCount

_BLOCKED = tuple(status for status in Status if status.is_blocked)


def as_json(stand: Overview) -> dict[str, object]:
    """Return the status as one object. Unknown values are null, never 0."""
    return {
        **stand_json(stand),
        "collectors": collectors_json(stand.detectors, stand.at, stand.late_after),
        "conditions": [
            {
                "kind": k.condition.key.kind.value,
                "since": k.condition.since.isoformat(),
                "sentence": k.condition.sentence,
                "told_at": _iso(k.told_at),
            }
            for k in stand.conditions
        ],
        **machines_json(stand.machines, stand.at),
        "paid_for": [
            {
                "platform": b.platform.value,
                "day": b.day.isoformat(),
                "accounts": b.total,
                "accounts_at_most": b.ceiling.most,
                "posts": b.posts,
                "by_reason": {"control" if why is None else why.value: n for why, n in b.paid.items()},
                "everybody_within_days": b.ceiling.round_days,
                "waiting": b.ceiling.waiting,
                "lists": [
                    {"list": one.name, "watched": one.watched, "sentinels": one.paid} for one in b.lists
                ],
            }
            for b in stand.bills
        ],
        "mails": {
            "queued": stand.mails.queued,
            "dead": stand.mails.dead,
            "sent": stand.mails.sent,
            "changes_undecided": stand.alerts_undecided,
        },
        "countries": [
            {
                "country": c.country,
                "pairs_ever": c.pairs_ever,
                "withheld_at_last_reading": c.withheld_at_last_reading,
                "no_longer": c.no_longer,
                "last_known_only": c.last_known_only,
                "oldest_reading_at": _iso(c.oldest_reading_at),
                "newest_reading_at": _iso(c.newest_reading_at),
            }
            for c in stand.countries
        ],
    }


def stand_json(stand: StatusReport) -> dict[str, object]:
    """Return the keys that are available for any moment."""
    return {
        "at": stand.at.isoformat(),
        "accounts": {
            "watched": stand.watched,
            "watched_posts": stand.watched_posts,
            "by_status": _by_status(stand),
            "withheld_by_country": _withheld_by_country(stand),
        },
        "blocked_now": {
            "accounts": stand.standing(*_BLOCKED),
            **{status.value: stand.standing(status) for status in _BLOCKED},
            "last_known_only": stand.last_known(*_BLOCKED),
            "unconfirmed": stand.unconfirmed,
        },
        "provisional": stand.provisional,
        "changes_24h": {kind.value: n for kind, n in stand.changes.items()},
        "coverage": {
            "late_after_s": stand.late_after.total_seconds(),
            "read_in_time": stand.watched - stand.late,
            "late": stand.late,
            "late_share": stand.late_share,
            "last_answer_at": _iso(stand.requests.last_answer_at),
            "requests_24h": {
                "answered": stand.requests.answered,
                "held": stand.requests.held,
                "missed": {reason.value: n for reason, n in stand.requests.missed.items()},
            },
        },
    }


def as_text(stand: Overview) -> RenderableType:
    """Return the status as tables for a terminal."""
    facts = Table.grid(padding=(0, 2))
    for name, said in _facts(stand):
        facts.add_row(name, said)
    parts: list[RenderableType] = [facts]
    if stand.watched:
        parts += ["", states_table(stand)]
    if stand.countries:
        parts += ["", _countries(stand)]
    return Group(*parts)


def _facts(stand: Overview) -> list[tuple[str, str]]:
    return [
        *stand_facts(stand),
        *collector_lines(stand.detectors, stand.at, stand.late_after),
        *machine_lines(stand.machines, stand.at),
        *[("Issue", f"since {moment(k.condition.since)}: {k.condition.sentence}") for k in stand.conditions],
        *[
            (
                f"Paid for on {platform_name(b)}",
                f"{daily_spend(b)}. {' '.join(daily_limit_notes(b))}",
            )
            for b in stand.bills
        ],
        (
            "Emails",
            f"{stand.mails.queued:,} queued, {stand.mails.dead:,} failed permanently, "
            f"{stand.mails.sent:,} sent; "
            f"{number(stand.alerts_undecided, 'change')} undecided",
        ),
    ]


def stand_facts(stand: StatusReport) -> list[tuple[str, str]]:
    """Return the lines that are available for any moment."""
    share, span = stand.late_share, _span(stand.late_after)
    changes = ", ".join(f"{n} {kind.value}" for kind, n in stand.changes.items() if n)
    missed = ", ".join(f"{n} missed ({reason.value})" for reason, n in stand.requests.missed.items())
    quarantined = f", {stand.requests.held} quarantined" if stand.requests.held else ""
    return [
        ("At", moment(stand.at)),
        ("Watched", _watched_words(stand)),
        ("Blocked now", _blocked_words(stand)),
        ("Provisional", number(stand.provisional, "change")),
        ("Changes in 24 h", changes or "none confirmed"),
        (
            "Not read lately",
            "no accounts watched"
            if share is None
            else f"{_counted(stand, stand.late)} ({share:.1%}) not read in the last {span}",
        ),
        (
            "Requests in 24 h",
            f"{stand.requests.answered:,} answered{quarantined}{', ' if missed else ''}{missed}",
        ),
    ]


def _watched_words(stand: StatusReport) -> str:
    if not stand.watched:
        return "no accounts watched"
    return TargetCount(stand.watched - stand.watched_posts, stand.watched_posts).words()


def _counted(stand: StatusReport, n: int) -> str:
    """Name so many of the watched accounts, among which there may be posts."""
    if not stand.watched_posts:
        return number(n, "account")
    return "1 account or post" if n == 1 else f"{n:,} accounts and posts"


def _blocked_words(stand: StatusReport) -> str:
    if not stand.watched:
        return "no accounts watched"
    blocked = stand.standing(*_BLOCKED)
    if blocked is None:
        words = f"not known: no confirmed account was read in the last {_span(stand.late_after)}"
    else:
        each = ", ".join(f"{n:,} {what}" for what, n in _blocked_by_name(stand).items())
        words = f"{_counted(stand, blocked)} ({each})"
    if last_known := stand.last_known(*_BLOCKED):
        words += f"; {_counted(stand, last_known)} blocked at the last reading, which is too old to count"
    if stand.unconfirmed:
        words += f"; {_counted(stand, stand.unconfirmed)} without a confirmed status yet"
    return words


def _blocked_by_name(stand: StatusReport) -> dict[str, int]:
    """Count blocked accounts that were read in time, by their platform's word for the block."""
    out: dict[str, int] = {}
    platforms = {s.platform for s in stand.states}
    for status in _BLOCKED:
        for platform in (p for p in Platform if p in platforms):
            if status in DECLARED[platform].statuses:
                out.setdefault(group_words(status, platform), 0)
    for s in stand.states:
        if s.state is not None and s.state.status in _BLOCKED and not s.or_deleted:
            out[group_words(s.state.status, s.platform)] += s.accounts - s.late
    return out


def states_table(stand: StatusReport) -> Table:
    has_posts = stand.watched_posts > 0
    table = Table(
        "Last confirmed",
        "Accounts",
        *(["Posts"] if has_posts else []),
        "Not read lately",
        title="Watched accounts and posts" if has_posts else "Watched accounts",
        title_justify="left",
    )
    accounts: Counter[str] = Counter()
    posts: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for count in stand.states:
        flags = (Flag.SUSPENDED_OR_DELETED,) if count.or_deleted else None
        words = (
            "no confirmed status yet"
            if count.state is None
            else short_words(count.state, count.platform, flags)
        )
        accounts[words] += count.accounts
        posts[words] += count.posts
        late[words] += count.late
    for words, n in accounts.most_common():
        of_posts = [f"{posts[words]:,}"] if has_posts else []
        table.add_row(words, f"{n - posts[words]:,}", *of_posts, f"{late[words]:,}")
    return table


def _countries(stand: Overview) -> Table:
    table = Table(
        "Country",
        "Ever withheld",
        "Withheld at last reading",
        "No longer",
        "Last known only",
        "Readings from",
        "to",
        title="Withheld by country, all stored accounts including imported ones",
        title_justify="left",
    )
    for c in stand.countries:
        table.add_row(
            "everywhere" if c.country == EVERYWHERE else clean(c.country, 8),
            f"{c.pairs_ever:,}",
            f"{c.withheld_at_last_reading:,}",
            f"{c.no_longer:,}",
            f"{c.last_known_only:,}",
            _day(c.oldest_reading_at),
            _day(c.newest_reading_at),
        )
    return table


def _by_status(stand: StatusReport) -> dict[str, int]:
    """Count accounts per status, with all statuses; "unconfirmed" accounts have no confirmed reading yet."""
    out = {status.value: 0 for status in Status} | {"unconfirmed": 0}
    for count in stand.states:
        out["unconfirmed" if count.state is None else count.state.status.value] += count.accounts
    return out


def _withheld_by_country(stand: StatusReport) -> dict[str, int]:
    out: dict[str, int] = {}
    for count in stand.states:
        for country in count.state.withheld_in if count.state is not None else ():
            out[country] = out.get(country, 0) + count.accounts
    return out


def _span(length: timedelta) -> str:
    return number(round(length.total_seconds() / 60), "minute")


def _day(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def then_json(stand: PastStatus) -> dict[str, object]:
    """Return the status at a past moment as one object, with the keys for any moment and the lists."""
    facts = stand_json(stand)
    facts["blocked"] = facts.pop("blocked_now")
    return {
        **facts,
        "as_known_at": None if stand.known_at is None else stand.known_at.isoformat(),
        "countries": [
            {"country": c.country, "withheld": c.accounts, "last_known_only": c.late} for c in stand.countries
        ],
        "lists": [
            {
                "list": one.name,
                "order": one.order,
                "accounts": one.accounts,
                "withheld": one.withheld,
                "suspended": one.suspended,
                "last_known_only": one.blocked_late,
                "late": one.late,
                "unconfirmed": one.unconfirmed,
            }
            for one in stand.lists
        ],
    }


def then_text(stand: PastStatus) -> RenderableType:
    """Return the status at a past moment as tables for a terminal."""
    facts = Table.grid(padding=(0, 2))
    for name, said in stand_facts(stand):
        facts.add_row("Blocked then" if name == "Blocked now" else name, said)
        if name == "At":
            known = "now" if stand.known_at is None else moment(stand.known_at)
            facts.add_row("As known at", known)
    parts: list[RenderableType] = [facts]
    if stand.watched:
        parts += ["", states_table(stand)]
    if stand.countries:
        parts += ["", _countries_then(stand)]
    if stand.lists:
        parts += ["", _lists(stand)]
    return Group(*parts)


def _countries_then(stand: PastStatus) -> Table:
    table = Table("Country", "Withheld", "Last known only", title="Withheld by country", title_justify="left")
    for c in stand.countries:
        name = "everywhere" if c.country == EVERYWHERE else clean(c.country, 8)
        table.add_row(name, f"{c.accounts:,}", f"{c.late:,}")
    return table


def _lists(stand: PastStatus) -> Table:
    columns = (
        "List",
        "Accounts",
        "Withheld",
        "Suspended",
        "Last known only",
        "No confirmed status",
        "Not read lately",
    )
    table = Table(*columns, title="By list", title_justify="left")
    for one in stand.lists:
        counts = one.accounts, one.withheld, one.suspended, one.blocked_late, one.unconfirmed, one.late
        table.add_row(clean(one.name), *[f"{n:,}" for n in counts])
    return table
