"""The tools: six questions about what is stored, answered by the functions of the HTTP API. None writes.

An answer has the `question` as it was understood, the `result`, its `coverage` (what was read, and when) and
`not_known` (what the answer does not show).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from pydantic import BaseModel

from dashboard.api.account_models import state_at
from dashboard.api.changes import change, spell
from dashboard.orders.facts import read_order
from dashboard.orders.order_json import order_json, summary_json
from jobs.mcp import unknowns
from jobs.mcp.questions import (
    ChangesQuestion,
    ComplianceQuestion,
    EvidenceQuestion,
    SearchQuestion,
    StatusQuestion,
    TimelineQuestion,
    ToolQuestion,
    WrongArguments,
    future,
    read_arguments,
)
from storage.accounts.lookup import account_called, list_called, lists_by_number
from storage.accounts.paged_accounts import StateFilter, StateRow, states_page
from storage.accounts.search import FoundKind, SearchResult, search
from storage.changes.evidence_pack import material
from storage.changes.paged_changes import (
    ChangeFilter,
    SpellFilter,
    change_with,
    changes_page,
    spells_page,
)
from storage.health.metrics import freshness
from storage.health.silence_report import silences
from storage.model.core.accounts import Platform
from storage.model.core.coverage_gaps import NEVER
from storage.model.evidence.packs import Material
from storage.orders.orders import number_of
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.recording_order import as_known
from storage.readings.coverage_report import seen_of

USUAL = timedelta(days=90)
LONGEST = timedelta(days=3_660)
MOST_GAPS = 50
"""Times without a reading in one answer; the longest are kept."""
MOST_REQUESTS = 50
"""Requests behind a change in one answer."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AssistantTool:
    """One tool: its arguments, what it is for, and what answers it."""

    question: type[ToolQuestion]
    purpose: str
    answer: Callable[[Mapping[str, Any]], Awaitable[Answer]]


class StoredFacts:
    """Answers the questions of assistants about one installation."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime], gap_after: timedelta) -> None:
        """`gap_after` is how long a time without a reading is before it is a gap."""
        self._pool = pool
        self._clock = clock
        self._gap_after = gap_after

    @property
    def tools(self) -> Mapping[str, AssistantTool]:
        """The tools by name."""
        return {
            "search": AssistantTool(
                SearchQuestion,
                "Find stored accounts (with their present state), posts, lists, orders and executives.",
                self.search,
            ),
            "status": AssistantTool(
                StatusQuestion,
                "The state of accounts at a time, as known then or later: whether and where they were "
                "blocked, between which readings that began, and when they were last read.",
                self.status,
            ),
            "timeline": AssistantTool(
                TimelineQuestion,
                "The status periods of one account, each end with the two readings that bound it, its "
                "unconfirmed changes, and the times in which nothing was read.",
                self.timeline,
            ),
            "changes": AssistantTool(
                ChangesQuestion,
                "Blocks, restorations and other changes first seen between two times, the newest first, each "
                "with the two readings between which it happened.",
                self.changes,
            ),
            "compliance": AssistantTool(
                ComplianceQuestion,
                "How far a legal order was followed at a time: how many of the accounts that it names were "
                "blocked, restored, gone or never read.",
                self.compliance,
            ),
            "evidence": AssistantTool(
                EvidenceQuestion,
                "What a change rests on: its two readings, the requests behind them, the hashes of the raw "
                "answers and its entries in the hash chain.",
                self.evidence,
            ),
        }

    async def search(self, arguments: Mapping[str, Any]) -> Answer:
        """Stored things whose name has the text. Raises WrongArguments."""
        asked, now = read_arguments(SearchQuestion, arguments), self._clock()
        async with transaction(self._pool) as conn:
            found = await search(conn, asked.text.strip().removeprefix("@"), asked.limit)
            states = [
                row
                for one in found
                if one.kind in {FoundKind.ACCOUNT, FoundKind.POST}
                for row in await states_page(conn, StateFilter(account_id=one.number), now, now, 0, 1)
            ]
            notes = await _notes(conn)
        by_number = {row.account_id: _plain(state_at(row)) for row in states}
        return {
            "question": asked.as_json(),
            "result": [_found(one, by_number) for one in found],
            "coverage": _read_lately(states, now, self._gap_after),
            "not_known": [*notes, *unknowns.of_search(len(found)), *([unknowns.CAUSE] if states else [])],
        }

    async def status(self, arguments: Mapping[str, Any]) -> Answer:
        """States at a time. Raises WrongArguments, and Refused for an unknown account or list."""
        asked, now = read_arguments(StatusQuestion, arguments), self._clock()
        at, known = self._moment(asked.at, asked.as_known_at, now)
        async with as_known(self._pool, asked.as_known_at) as conn:
            wanted = StateFilter(
                platform=asked.platform,
                list_name=await _list(conn, asked.list),
                statuses=None if asked.status is None else [asked.status],
                country=asked.country,
                account_id=None if asked.account is None else await account_called(conn, asked.account),
            )
            rows = await states_page(conn, wanted, at, known, asked.after_account or 0, asked.limit + 1)
            notes = await _notes(conn)
        shown = rows[: asked.limit]
        states = [state_at(row) for row in shown]
        return {
            "question": {**asked.as_json(), "at": _utc(at)},
            "result": [_plain(one) for one in states],
            "next": shown[-1].account_id if len(rows) > asked.limit else None,
            "coverage": _read_lately(shown, at, self._gap_after),
            "not_known": [*notes, *unknowns.of_states(states, at, self._gap_after)],
        }

    async def timeline(self, arguments: Mapping[str, Any]) -> Answer:
        """One account in a period. Raises WrongArguments, and Refused for an unknown account."""
        asked, now = read_arguments(TimelineQuestion, arguments), self._clock()
        since, until = self._period(asked.since, asked.until, now)
        future("as_known_at", asked.as_known_at, now)
        known = asked.as_known_at
        async with as_known(self._pool, known) as conn:
            number = await account_called(conn, asked.account)
            spells = await spells_page(
                conn, SpellFilter(since, until, known, account_id=number), None, asked.limit + 1
            )
            open_ones = ChangeFilter(
                since, until, known, outcomes=["provisional", "not_confirmed"], account_id=number
            )
            changes = await changes_page(conn, open_ones, None, asked.limit + 1)
            seen = await seen_of(conn, [number], since, until, self._gap_after, known)
            rows = await states_page(conn, StateFilter(account_id=number), until, known or now, 0, 1)
            notes = await _notes(conn)
        gaps, last = seen.get(number, NEVER).gaps, rows[0].last_read_at if rows else None
        periods = [spell(row) for row in spells[: asked.limit]]
        return {
            "question": {**asked.as_json(), "since": _utc(since), "until": _utc(until)},
            "result": {
                "account": None if not rows else _plain(state_at(rows[0])),
                "periods": [_plain(one) for one in periods],
                "unconfirmed_changes": [_plain(change(row)) for row in changes[: asked.limit]],
                "left_off": len(spells) > asked.limit or len(changes) > asked.limit,
            },
            "coverage": {
                "last_read_at": _utc(last),
                "gaps_longer_than_seconds": self._gap_after.total_seconds(),
                "gaps": [
                    {"after": _utc(one.since), "before": _utc(one.until)}
                    for one in sorted(gaps, key=lambda g: (g.until or until) - g.since, reverse=True)[
                        :MOST_GAPS
                    ]
                ],
                "gaps_in_all": len(gaps),
            },
            "not_known": [*notes, *unknowns.of_timeline(periods, gaps, last, since, until)],
        }

    async def changes(self, arguments: Mapping[str, Any]) -> Answer:
        """Changes between two times. Raises WrongArguments, and Refused for an unknown list."""
        asked, now = read_arguments(ChangesQuestion, arguments), self._clock()
        since, until = self._period(asked.since, asked.until, now)
        future("as_known_at", asked.as_known_at, now)
        async with as_known(self._pool, asked.as_known_at) as conn:
            wanted = ChangeFilter(
                since,
                until,
                asked.as_known_at,
                kinds=None if asked.kind is None else [asked.kind],
                outcomes=None if asked.outcome is None else [asked.outcome],
                list_name=await _list(conn, asked.list),
                country=asked.country,
                platform=asked.platform,
            )
            rows = await changes_page(conn, wanted, await _before(conn, asked.before_change), asked.limit + 1)
            watched = {Platform(one.platform) for one in await freshness(conn, now)}
            begins = {one: since for one in watched if asked.platform in {None, one}}
            quiet = await silences(conn, begins, until, self._gap_after)
            notes = await _notes(conn)
        found = [change(row) for row in rows[: asked.limit]]
        return {
            "question": {**asked.as_json(), "since": _utc(since), "until": _utc(until)},
            "result": [_plain(one) for one in found],
            "next": found[-1].change_id if len(rows) > asked.limit else None,
            "coverage": {
                "platforms_with_watched_accounts": sorted(watched),
                "silences_longer_than_seconds": self._gap_after.total_seconds(),
                "silences": [
                    {
                        "platform": one.platform,
                        "after": _utc(one.since),
                        "before": _utc(one.until),
                    }
                    for one in quiet[:MOST_GAPS]
                ],
                "silences_in_all": len(quiet),
            },
            "not_known": [*notes, *unknowns.of_changes(found, len(quiet))],
        }

    async def compliance(self, arguments: Mapping[str, Any]) -> Answer:
        """How far an order was followed. Raises WrongArguments, also for an unknown order."""
        asked, now = read_arguments(ComplianceQuestion, arguments), self._clock()
        at, _ = self._moment(asked.at, asked.as_known_at, now)
        async with as_known(self._pool, asked.as_known_at) as conn:
            number = await number_of(conn, asked.order)
            if number is None and asked.order.isdecimal() and len(asked.order) < 18:
                number = int(asked.order)
            found = (
                None
                if number is None
                else await read_order(conn, number, at, self._gap_after, asked.as_known_at)
            )
            notes = await _notes(conn)
        if found is None:
            raise WrongArguments(
                "order: There is no such order; the tool search finds orders by their title."
            )
        whole = order_json(found)
        figures: Answer = {**summary_json(found), "accounts": _first(whole["accounts"], asked.limit)}
        if found.posts is not None:
            of_posts = cast("Answer", whole["posts"])
            figures["posts"] = {**of_posts, "posts": _first(of_posts["posts"], asked.limit)}
            figures["posts"].pop("curve")
        left_off = sum(max(0, part.watched - asked.limit) for part in found.sections)
        return {
            "question": {**asked.as_json(), "at": _utc(at)},
            "result": figures,
            "coverage": {
                "accounts_and_posts_on_its_list": len(found.members),
                "never_read": sum(one.seen.last is None for one in found.members),
                "not_read_lately": sum(not one.is_read(at, self._gap_after) for one in found.members),
                "left_off": left_off,
            },
            "not_known": [*notes, *unknowns.of_order(found.sections, left_off)],
        }

    async def evidence(self, arguments: Mapping[str, Any]) -> Answer:
        """What a change rests on. Raises WrongArguments, and Refused when nothing proves it."""
        asked = read_arguments(EvidenceQuestion, arguments)
        async with transaction(self._pool) as conn:
            row = await change_with(conn, asked.change)
            if row is None:
                raise WrongArguments(f"change: There is no change {asked.change}.")
            found, notes = await material(conn, asked.change), await _notes(conn)
        stated = change(row)
        return {
            "question": asked.as_json(),
            "result": {"change": _plain(stated), **_proof(found)},
            "coverage": _requests(found),
            "not_known": [*notes, *unknowns.of_evidence(stated, found)],
        }

    def _moment(
        self, at: datetime | None, known: datetime | None, now: datetime
    ) -> tuple[datetime, datetime]:
        """The time of a state, and the time of the knowledge. Raises WrongArguments for one in the future."""
        future("at", at, now)
        future("as_known_at", known, now)
        return at or known or now, known or now

    def _period(
        self, since: datetime | None, until: datetime | None, now: datetime
    ) -> tuple[datetime, datetime]:
        """A period that has begun. Raises WrongArguments for one that is empty or too long."""
        end = min(until or now, now)
        begin = since or end - USUAL
        if begin >= end:
            raise WrongArguments("since: It must be earlier than until, and not in the future.")
        if end - begin > LONGEST:
            raise WrongArguments(f"since: The period may be at most {LONGEST.days} days.")
        return begin, end


async def _notes(conn: Conn) -> list[str]:
    return [unknowns.SYNTHETIC] if await is_synthetic(conn) else []


async def _list(conn: Conn, name: str | None) -> str | None:
    """The list as it is written. Raises Refused for an unknown one: an empty answer would be misread."""
    if name is None:
        return None
    number = await list_called(conn, name)
    return (await lists_by_number(conn))[number]


async def _before(conn: Conn, change_id: int | None) -> tuple[datetime, int] | None:
    """The key of the change after which a page begins. Raises WrongArguments for an unknown one."""
    if change_id is None:
        return None
    row = await change_with(conn, change_id)
    if row is None:
        raise WrongArguments(f"before_change: There is no change {change_id}.")
    return row.first_seen_new, row.change_id


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _first(items: object, most: int) -> list[Answer]:
    return cast("list[Answer]", items)[:most]


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _found(one: SearchResult, states: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": one.kind, "number": one.number, "name": one.name}
    match one.kind:
        case FoundKind.ACCOUNT | FoundKind.POST:
            out |= {"formerly": one.once or None, **states.get(one.number, {})}
        case FoundKind.LIST:
            out["accounts"] = one.members
        case FoundKind.ORDER:
            out["reference"] = one.native_id
        case FoundKind.EXECUTIVE:
            out |= {"platform": one.platform, "handle": one.once}
    return out


def _read_lately(rows: Sequence[StateRow], at: datetime, gap_after: timedelta) -> dict[str, Any]:
    """How well these accounts were read up to `at`."""
    read = [row.last_read_at for row in rows if row.last_read_at is not None]
    return {
        "accounts": len(rows),
        "never_read": len(rows) - len(read),
        "not_read_lately": sum(unknowns.is_stale(row.last_read_at, at, gap_after) for row in rows),
        "oldest_last_read_at": _utc(min(read, default=None)),
    }


def _proof(found: Material) -> dict[str, Any]:
    """Hashes and entries, without the raw answers."""
    return {
        "raw_answers": [
            {
                "sha256": one.sha256,
                "is_stored": one.content is not None,
                "deleted_at": _utc(one.purged_at),
            }
            for one in found.raw
        ],
        "hash_chain": [
            {"entry": one.seq, "attests": one.statement.told, "recorded_at": _utc(one.statement.at)}
            for one in found.attested
        ],
        "day_heads": [
            {"day": one.day.isoformat(), "entry": one.seq, "head": one.head} for one in found.heads
        ],
        "time_stamps": [
            {"entry": one.seq, "head": one.head, "authority": one.authority} for one in found.anchors
        ],
    }


def _requests(found: Material) -> dict[str, Any]:
    """The requests behind a change; of a record of others there are none."""
    if found.coverage is None:
        return {"requests": [], "requests_in_all": 0, "other_attempts": {}}
    looks = found.coverage.looks
    return {
        "requests": [
            {
                "shows": one.part,
                "asked_at": _utc(one.asked_at),
                "answered_at": _utc(one.observed_at),
                "recorded_at": _utc(one.recorded_at),
                "accounts_asked": one.asked,
                "control_accounts": one.control_accounts,
                "silent_on": list(one.silent_on),
            }
            for one in looks[:MOST_REQUESTS]
        ],
        "requests_in_all": len(looks),
        "other_attempts": found.coverage.other,
    }
