"""Read model of labels: what a labeler withholds in a country, since when, and what was lifted.

All of it is what labelers state, with their own times. A label that replaces another with the same meaning
begins nothing new; after a withdrawal or an expiry it does.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from storage.model.core.labels import LabeledKind
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class LabelerStatus:
    """How far a labeler was read. See the columns of the table `labeler`."""

    labeler: str
    platform: str
    country: str
    began_at: datetime
    heard_at: datetime | None
    lost_at: datetime | None
    lost_why: str
    gap: str | None
    gap_at: datetime | None
    listed_at: datetime | None
    unlisted_at: datetime | None
    unlisted_why: str
    ended_at: datetime | None
    refused: int
    """Labels that are kept apart, because it is not known to have signed them."""
    newest_refused_at: datetime | None

    @property
    def is_complete(self) -> bool:
        """Whether its whole list was read, and nothing says that labels are missing since."""
        return self.listed_at is not None and self.gap is None


@dataclass(frozen=True, slots=True)
class WithheldCounts:
    """Accounts, posts and other records that bear a label by which a labeler withholds."""

    accounts: int
    posts: int
    records: int


@dataclass(frozen=True, slots=True)
class LabelDay:
    """How many labels began to hold and ceased to on a day in UTC, by the times of the labeler."""

    day: date
    added: int
    lifted: int


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Which subjects of labels are listed. None leaves a choice out."""

    country: str | None = None
    kind: LabeledKind | None = None
    is_lifted: bool | None = None
    is_watched: bool | None = None


@dataclass(frozen=True, slots=True)
class LabeledSubject:
    """One value that a labeler attaches, or attached, to an account or a record."""

    label_id: int
    """The number of the newest label."""
    labeler: str
    country: str
    subject: str
    value: str
    kind: LabeledKind
    stated_at: datetime
    """When the labeler made the newest label."""
    since: datetime | None
    """Since when the labeler attaches it, or attached it last; None: only its withdrawal is known."""
    lifted_at: datetime | None
    """When the labeler withdrew it, or when it expired; None: it holds."""
    first_received_at: datetime
    """When we first received any label about it."""
    account_id: int | None
    """The account or post in this installation; None: there is none."""
    handle: str | None
    is_watched: bool


@dataclass(frozen=True, slots=True)
class LabelPosition:
    """Where a page of subjects ends."""

    stated_at: datetime
    label_id: int


async def labelers(conn: Conn, country: str | None = None) -> list[LabelerStatus]:
    """The labelers whose labels are collected, of one country or of all."""
    rows = await conn.fetch(
        """
        select l.*, r.refused, r.newest_refused_at
        from labeler l
        cross join lateral (
            select count(*) as refused, max(received_at) as newest_refused_at
            from refused_label where labeler = l.labeler
        ) r
        where $1::text is null or l.country = $1
        order by l.country, l.labeler
        """,
        country,
    )
    return [LabelerStatus(**{name: row[name] for name in LabelerStatus.__dataclass_fields__}) for row in rows]


async def withheld_by_labelers(conn: Conn, country: str, now: datetime) -> WithheldCounts:
    """How much the labelers of a country withhold at `now`, as far as their labels were received."""
    row = await conn.fetchrow(
        """
        with newest as (
            select distinct on (l.labeler, l.subject, l.value) l.subject, l.kind, l.is_negated, l.expires_at
            from label l join labeler r using (labeler)
            where r.country = $1 and l.value = any(r.withholding)
            order by l.labeler, l.subject, l.value, l.made_at desc, l.label_id desc
        )
        select count(distinct subject) filter (where kind = 'account') as accounts,
            count(distinct subject) filter (where kind = 'post') as posts,
            count(distinct subject) filter (where kind = 'record') as records
        from newest where not is_negated and (expires_at is null or expires_at > $2)
        """,
        country,
        now,
    )
    return WithheldCounts(0, 0, 0) if row is None else WithheldCounts(*row)


async def label_days(conn: Conn, country: str, since: date, now: datetime) -> list[LabelDay]:
    """By day in UTC, oldest first, what labelers of a country began and ceased to withhold from the day
    `since` on. Days without either are left out.

    A labeler may drop a label that it withdrew. So of those lifted before we first read it, the beginning is
    missing.
    """
    rows = await conn.fetch(
        """
        with step as (
            select l.is_negated, l.made_at, l.expires_at,
                lag(l.is_negated) over w as was_negated, lag(l.expires_at) over w as would_expire,
                lead(l.made_at) over w as replaced_at
            from label l join labeler r using (labeler)
            where r.country = $1 and l.value = any(r.withholding)
            window w as (partition by l.labeler, l.subject, l.value order by l.made_at, l.label_id)
        ),
        event as (
            select made_at as at, 1 as added, 0 as lifted from step
            where not is_negated and (was_negated is distinct from false or would_expire <= made_at)
            union all
            select made_at, 0, 1 from step
            where is_negated and was_negated is distinct from true and (would_expire <= made_at) is not true
            union all
            select expires_at, 0, 1 from step
            where not is_negated and expires_at <= $2 and (replaced_at >= expires_at) is not false
        )
        select (at at time zone 'UTC')::date as day, sum(added)::int as added, sum(lifted)::int as lifted
        from event where at >= $3::date at time zone 'UTC' group by 1 order by 1
        """,
        country,
        now,
        since,
    )
    return [LabelDay(row["day"], row["added"], row["lifted"]) for row in rows]


async def labeled_subjects(
    conn: Conn, wanted: LabelFilter, after: LabelPosition | None, limit: int, now: datetime
) -> list[LabeledSubject]:
    """What labelers withhold or withheld, the newest statement first."""
    rows = await conn.fetch(
        """
        with page as (
            select l.label_id, l.labeler, r.country, l.subject, l.value, l.kind, l.made_at as stated_at,
                case
                    when l.is_negated then l.made_at
                    when l.expires_at <= $1 then l.expires_at
                end as lifted_at,
                a.account_id, a.handle, coalesce(a.watched, false) as is_watched
            from label l join labeler r using (labeler)
            left join account a on a.platform = r.platform and a.native_id = l.subject
            where l.value = any(r.withholding)
                and not exists (
                    select from label n
                    where n.labeler = l.labeler and n.subject = l.subject and n.value = l.value
                        and (n.made_at, n.label_id) > (l.made_at, l.label_id)
                )
                and ($2::text is null or r.country = $2)
                and ($3::text is null or l.kind = $3)
                and ($4::boolean is null or $4 = (l.is_negated or coalesce(l.expires_at <= $1, false)))
                and ($5::boolean is null or $5 = coalesce(a.watched, false))
                and ($6::timestamptz is null or (
                    l.made_at <= $6 and (l.made_at, l.label_id) < ($6, $7::bigint)
                ))
            order by l.made_at desc, l.label_id desc
            limit $8
        )
        select p.*, s.since, s.first_received_at
        from page p cross join lateral (
            select max(made_at) filter (where begins) as since, min(received_at) as first_received_at
            from (
                select made_at, received_at, not is_negated and (
                    lag(is_negated) over w is distinct from false or lag(expires_at) over w <= made_at
                ) as begins
                from label l where l.labeler = p.labeler and l.subject = p.subject and l.value = p.value
                window w as (order by made_at, label_id)
            ) step
        ) s
        order by p.stated_at desc, p.label_id desc
        """,
        now,
        wanted.country,
        wanted.kind,
        wanted.is_lifted,
        wanted.is_watched,
        after and after.stated_at,
        after and after.label_id,
        limit,
    )
    return [LabeledSubject(**dict[str, Any](row, kind=LabeledKind(row["kind"]))) for row in rows]
