"""What the figures of a written story rest on: accounts, their periods and changes, who was read when."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from storage.causes.ledger import causes_of_accounts
from storage.health.status_at import unread
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import ChangeKind, Flag, Outcome, State, Status
from storage.model.stories.figures import Noticed, StoryFacts, Subject, Version
from storage.model.stories.stories import View, WrittenStory
from storage.postgres.pool import Conn
from storage.readings.coverage_report import seen_of


async def story_facts(conn: Conn, story: WrittenStory, now: datetime) -> StoryFacts:
    """Everything that the captions and the end of a story are told from, as it is on file at `now`."""
    until = story.head.until
    known = story.known(until, now)
    moments = sorted({*(c.at for c in story.captions), until})
    return StoryFacts(
        subjects=await _subjects(conn, story.account_ids, until, known),
        versions=await _versions(conn, story.account_ids, until, known),
        changes=await _changes(conn, story.account_ids, until, known),
        looks={
            at: await seen_of(
                conn,
                story.account_ids,
                story.head.since - story.late_after,
                until if story.head.view is View.AS_IT_WAS else at,
                story.late_after,
                at,
            )
            for at in sorted({story.known(at, now) for at in moments})
        },
        late={
            at: frozenset(
                await unread(conn, at - story.late_after, at, story.known(at, now), story.account_ids)
            )
            for at in moments
        },
        causes={
            AccountId(account_id): said
            for account_id, said in (await causes_of_accounts(conn, story.account_ids)).items()
        },
    )


async def _subjects(
    conn: Conn, account_ids: Sequence[AccountId], until: datetime, known: datetime
) -> tuple[Subject, ...]:
    """By handle. A rename that came after the range, or was on record only later, is not told."""
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.native_id, a.added_at, a.is_post, coalesce(
            (
                select r.old_handle from rename r
                where r.account_id = a.account_id and (r.first_seen_new > $2 or r.recorded_at > $3)
                order by r.first_seen_new limit 1
            ),
            a.handle
        ) as handle
        from account a where a.account_id = any($1::bigint[])
        """,
        account_ids,
        until,
        known,
    )
    found = [
        Subject(
            AccountId(r["account_id"]),
            Platform(r["platform"]),
            r["native_id"],
            r["handle"],
            r["added_at"],
            r["is_post"],
        )
        for r in rows
    ]
    return tuple(sorted(found, key=lambda s: (s.handle.casefold(), s.account_id)))


async def _versions(
    conn: Conn, account_ids: Sequence[AccountId], until: datetime, known: datetime
) -> dict[AccountId, list[Version]]:
    rows = await conn.fetch(
        """
        with theirs as materialized (select * from spell where account_id = any($1::bigint[]))
        select s.account_id, s.status, s.withheld_in, s.onset_after, lower(s.valid) as since,
            nullif(upper(s.valid), 'infinity') as until, lower(s.recorded) as recorded_from,
            nullif(upper(s.recorded), 'infinity') as recorded_to, f.flags
        from theirs s join change c using (change_id)
        cross join lateral scoped_flags(
            s.account_id, s.status, case when s.before_change then '{}' else c.flags end, lower(s.valid),
            least(upper(s.valid), $2::timestamptz + interval '1 microsecond'), $3
        ) f
        where lower(s.valid) <= $2 and lower(s.recorded) <= $3
        order by s.account_id, lower(s.valid), lower(s.recorded)
        """,
        account_ids,
        until,
        known,
    )
    out: defaultdict[AccountId, list[Version]] = defaultdict(list)
    for r in rows:
        out[AccountId(r["account_id"])].append(
            Version(
                State(Status(r["status"]), tuple(r["withheld_in"])),
                frozenset(map(Flag, r["flags"])),
                r["onset_after"],
                r["since"],
                r["until"],
                r["recorded_from"],
                r["recorded_to"],
            )
        )
    return dict(out)


async def _changes(
    conn: Conn, account_ids: Sequence[AccountId], until: datetime, known: datetime
) -> list[Noticed]:
    rows = await conn.fetch(
        """
        select c.change_id, c.account_id, a.platform, a.is_post, c.kind, c.old_status, c.old_withheld_in,
            c.status, c.withheld_in, c.flags, c.last_seen_old, c.first_seen_new, c.recorded_at, o.outcome,
            o.decided_at,
            (select min(later.recorded_at) from change later where later.supersedes = c.change_id)
                as superseded_at
        from change c join account a using (account_id) left join change_outcome o using (change_id)
        where c.account_id = any($1::bigint[]) and c.kind <> 'baseline' and c.first_seen_new <= $2
            and c.recorded_at <= $3
        order by c.first_seen_new, c.account_id, c.change_id
        """,
        account_ids,
        until,
        known,
    )
    return [
        Noticed(
            r["change_id"],
            AccountId(r["account_id"]),
            Platform(r["platform"]),
            ChangeKind(r["kind"]),
            None if r["old_status"] is None else State(Status(r["old_status"]), tuple(r["old_withheld_in"])),
            State(Status(r["status"]), tuple(r["withheld_in"])),
            frozenset(map(Flag, r["flags"])),
            r["last_seen_old"],
            r["first_seen_new"],
            r["recorded_at"],
            r["decided_at"],
            r["outcome"] == Outcome.CONFIRMED,
            r["superseded_at"],
            r["is_post"],
        )
        for r in rows
    ]
