"""Read model of labels: what a labeler withholds in a country, since when, and what was lifted.

All of it is what labelers state, with their own times. A label that replaces another with the same meaning
begins nothing new; after a withdrawal or an expiry it does.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from storage.model.core.accounts import Platform
from storage.model.core.labels import LabeledKind
from storage.model.orders.half_years import HalfYear
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
    refused_dropped: int
    """Further ones, of which only the number is kept. One that is received again counts again."""
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
    unwatched: int
    """Those of the accounts and posts that can be watched and are not. See `withheld_and_unwatched`."""


@dataclass(frozen=True, slots=True)
class LabelDay:
    """How many labels began to hold and ceased to on a day in UTC, by the times of the labeler."""

    day: date
    added: int
    lifted: int


@dataclass(frozen=True, slots=True)
class LabelHalfYear:
    """How many labels of accounts and of posts began to hold and ceased to in a half-year, by the times of
    the labeler.
    """

    half: HalfYear
    accounts_added: int
    accounts_lifted: int
    posts_added: int
    posts_lifted: int


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Which subjects of labels are listed. None leaves a choice out."""

    country: str | None = None
    kind: LabeledKind | None = None
    is_lifted: bool | None = None
    is_watched: bool | None = None
    is_relabeled: bool | None = None
    """Whether the labeler is known to have attached the same value again after it had lifted it."""


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
    profile_handle: str | None
    """By the public profile of the account, or of the author of a post. None: none was shown or read."""
    profile_followers: int | None
    profile_is_shown: bool | None
    """None: it was not read yet."""
    profile_read_at: datetime | None


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
        select count(*) filter (where s.kind = 'account') as accounts,
            count(*) filter (where s.kind = 'post') as posts,
            count(*) filter (where s.kind = 'record') as records,
            count(*) filter (where s.kind <> 'record' and a.account_id is null and not exists (
                select from purged_account p
                where p.platform = s.platform and strpos(s.subject, p.native_id) > 0
            )) as unwatched
        from (
            select distinct r.platform, l.kind, l.subject
            from label l join labeler r using (labeler)
            where r.country = $1 and l.value = any(r.withholding) and l.replaced_at is null
                and not l.is_negated and (l.expires_at is null or l.expires_at > $2)
        ) s
        left join account a on a.platform = s.platform and a.native_id = s.subject and (
            a.watched
            or exists (select from canary c where c.account_id = a.account_id and c.origin = 'settings')
        )
        """,
        country,
        now,
    )
    return WithheldCounts(0, 0, 0, 0) if row is None else WithheldCounts(*row)


async def withheld_and_unwatched(
    conn: Conn, country: str, limit: int, now: datetime
) -> list[tuple[Platform, str]]:
    """The accounts and posts that the labelers of a country withhold at `now` and that nobody watches, by
    platform and id: at most `limit`, the newest labels first. Control accounts of the settings and purged
    ones are left out.
    """
    rows = await conn.fetch(
        """
        select r.platform, l.subject
        from label l join labeler r using (labeler)
        left join account a on a.platform = r.platform and a.native_id = l.subject
        where r.country = $1 and l.value = any(r.withholding) and l.replaced_at is null
            and not l.is_negated and (l.expires_at is null or l.expires_at > $2)
            and l.kind in ('account', 'post') and not coalesce(a.watched, false)
            and not exists (
                select from canary c where c.account_id = a.account_id and c.origin = 'settings'
            )
            and not exists (
                select from purged_account p
                where p.platform = r.platform and strpos(l.subject, p.native_id) > 0
            )
        group by r.platform, l.subject order by max(l.made_at) desc, l.subject limit $3
        """,
        country,
        now,
        limit,
    )
    return [(Platform(row["platform"]), row["subject"]) for row in rows]


async def label_days(conn: Conn, country: str, since: date, now: datetime) -> list[LabelDay]:
    """By day in UTC, oldest first, what labelers of a country began and ceased to withhold from the day
    `since` on. Days without either are left out.

    A labeler may drop a label that it withdrew. So of those lifted before we first read it, the beginning is
    missing.
    """
    rows = await conn.fetch(
        """
        select (s.stated_at at time zone 'UTC')::date as day,
            count(*) filter (where s.step = 'added') as added,
            count(*) filter (where s.step = 'lifted') as lifted
        from label_step s join labeler r using (labeler)
        where r.country = $1 and s.value = any(r.withholding)
            and s.stated_at >= $3::date at time zone 'UTC' and (s.stated_at <= $2 or not s.has_expired)
        group by 1 order by 1
        """,
        country,
        now,
        since,
    )
    return [LabelDay(row["day"], row["added"], row["lifted"]) for row in rows]


async def label_half_years(conn: Conn, country: str, now: datetime) -> list[LabelHalfYear]:
    """By half-year in UTC, the newest first, what labelers of a country began and ceased to withhold, as far
    as their labels were received. Half-years without either are left out. What `label_days` says of missing
    beginnings holds here too.
    """
    rows = await conn.fetch(
        """
        select extract(year from s.at)::int as year, (extract(quarter from s.at)::int + 1) / 2 as half,
            count(*) filter (where s.step = 'added' and s.kind = 'account') as accounts_added,
            count(*) filter (where s.step = 'lifted' and s.kind = 'account') as accounts_lifted,
            count(*) filter (where s.step = 'added' and s.kind = 'post') as posts_added,
            count(*) filter (where s.step = 'lifted' and s.kind = 'post') as posts_lifted
        from (
            select step, kind, stated_at at time zone 'UTC' as at
            from label_step join labeler r using (labeler)
            where r.country = $1 and value = any(r.withholding) and (stated_at <= $2 or not has_expired)
                and kind in ('account', 'post')
        ) s
        group by 1, 2 order by 1 desc, 2 desc
        """,
        country,
        now,
    )
    return [LabelHalfYear(HalfYear(*row[:2]), *row[2:]) for row in rows]


async def labeled_subjects(
    conn: Conn, wanted: LabelFilter, after: LabelPosition | None, limit: int, now: datetime
) -> list[LabeledSubject]:
    """What labelers withhold or withheld, the newest statement first."""
    rows = await conn.fetch(
        """
        with page as (
            select n.*, r.country, r.platform
            from labeler r cross join lateral ( -- the newest of each labeler, by the index of times
                select l.label_id, l.labeler, l.subject, l.value, l.kind, l.made_at as stated_at,
                    case
                        when l.is_negated then l.made_at
                        when l.expires_at <= $1 then l.expires_at
                    end as lifted_at,
                    a.account_id, a.handle, coalesce(a.watched, false) as is_watched
                from label l
                left join account a on a.platform = r.platform and a.native_id = l.subject
                where l.labeler = r.labeler and l.value = any(r.withholding) and l.replaced_at is null
                    and ($3::text is null or l.kind = $3)
                    and ($4::boolean is null or $4 = (l.is_negated or coalesce(l.expires_at <= $1, false)))
                    and ($5::boolean is null or $5 = coalesce(a.watched, false))
                    and ($6::timestamptz is null or (
                        l.made_at <= $6 and (l.made_at, l.label_id) < ($6, $7::bigint)
                    ))
                    and ($9::boolean is null or $9 = exists (
                        select from label e join label f using (labeler, subject, value)
                        where e.labeler = l.labeler and e.subject = l.subject and e.value = l.value
                            and e.is_added and f.made_at < e.made_at and (f.is_added or f.is_lifted)
                    ))
                order by l.made_at desc, l.label_id desc
                limit $8
            ) n
            where $2::text is null or r.country = $2
            order by n.stated_at desc, n.label_id desc
            limit $8
        )
        select p.label_id, p.labeler, p.country, p.subject, p.value, p.kind, p.stated_at, p.lifted_at,
            p.account_id, p.handle, p.is_watched, s.since, s.first_received_at, f.handle as profile_handle,
            f.followers as profile_followers, f.is_shown as profile_is_shown, f.read_at as profile_read_at
        from page p cross join lateral (
            select max(made_at) filter (where is_added) as since, min(received_at) as first_received_at
            from label l where l.labeler = p.labeler and l.subject = p.subject and l.value = p.value
        ) s
        left join labeled_profile f on f.platform = p.platform and f.subject = p.subject
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
        wanted.is_relabeled,
    )
    return [LabeledSubject(**dict[str, Any](row, kind=LabeledKind(row["kind"]))) for row in rows]
