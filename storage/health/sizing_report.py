"""Read model of sizing: how much is watched on each platform."""

from dataclasses import dataclass

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import FEDERATED
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class WatchSize:
    """The watched accounts and posts of one platform, without control accounts."""

    platform: Platform
    accounts: int
    """Without the posts."""
    servers: int
    """Servers that they are on; 1 on platforms where one server answers for all."""
    lists: tuple[int, ...]
    """How many of the accounts each list has, the largest first; lists of one account are left out."""
    posts: int = 0


async def watch_sizes(conn: Conn, most_lists: int) -> list[WatchSize]:
    """Of every platform with watched accounts or posts, the largest first, with up to so many lists each."""
    rows = await conn.fetch(
        """
        with mine as (
            select account_id, platform, native_id, is_post from ordinary_accounts() where watched
        ),
        size as (
            select platform, count(*) filter (where not is_post) as accounts,
                count(*) filter (where is_post) as posts,
                case when platform = any($2::text[]) then count(distinct split_part(native_id, '/', 3)) else 1
                    end as servers
            from mine group by platform
        ),
        of_list as (
            select platform, count(*) as members,
                row_number() over (partition by platform order by count(*) desc) as place
            from mine join watch_list_member m using (account_id) where not is_post
            group by platform, m.list_id having count(*) > 1
        )
        select s.platform, s.accounts, s.posts, s.servers, coalesce(l.lists, '{}') as lists
        from size s left join (
            select platform, array_agg(members order by members desc) as lists
            from of_list where place <= $1 group by platform
        ) l using (platform)
        order by s.accounts + s.posts desc, s.platform
        """,
        most_lists,
        FEDERATED,
    )
    return [
        WatchSize(Platform(r["platform"]), r["accounts"], r["servers"], tuple(r["lists"]), r["posts"])
        for r in rows
    ]
