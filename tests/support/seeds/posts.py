"""Posts on X and Bluesky beside their authors, of whom some are stored; X withholds one author's account."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.side_facts import observe
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Flag, State
from storage.model.core.side_facts import FactSighting
from storage.postgres.pool import Conn
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import account, become, roster_of

AUTHOR = frozenset({Flag.WITH_AUTHOR})
DID = "did:plc:z72i7hdynmk6r22z27h6tvur"
KEPT = b'[{"url":"/2/tweets?ids=102","about":{"data":[{"id":"102","withheld":{"country_codes":["IN"]}}]}}]'
ACCOUNTS: Sequence[NewAccount] = (
    NewAccount(X, "100", "Alice"),
    NewAccount(X, "post:101", "alice/101"),
    NewAccount(X, "post:102", "alice/102"),
    NewAccount(X, "post:103", "alice/103"),
    NewAccount(X, "post:201", "stranger/201"),
    NewAccount(X, "post:301", "i/301"),
    NewAccount(X, "400", "al"),
    NewAccount(BLUESKY, DID, "carol.example"),
    NewAccount(BLUESKY, f"at://{DID}/app.bsky.feed.post/3l6oveex3ii2l", "old.example/3l6oveex3ii2l"),
)
"""The post of Bluesky was stored when its author had another handle."""


@dataclass(frozen=True, slots=True)
class Posts:
    """What was written: accounts and posts by native id, without the at-uri's author."""

    numbers: dict[str, AccountId]


async def seed_posts(conn: Conn, since: datetime = T0) -> Posts:
    """Write them: alice/101 is withheld for itself, alice/102 with Alice's account, alice/103 is gone."""
    shift = since - T0
    await add_accounts(conn, ACCOUNTS, since)
    of = {a.native_id.rpartition("/")[2]: await account(conn, a.platform, a.native_id) for a in ACCOUNTS}
    x = [of[key] for key in ("100", "post:101", "post:102", "post:103", "post:201")]
    roster = await roster_of(conn, x)
    at = 0.0

    async def change(
        one: Account,
        old: State | None,
        new: State,
        flags: frozenset[Flag] = frozenset(),
        evidence: bytes | None = None,
    ) -> None:
        nonlocal at
        at += 15
        await become(conn, roster, one, old, new, minutes(at) + shift, flags=flags, evidence=evidence)

    for one in x:
        await change(one, None, AVAILABLE)
    await change(of["100"], AVAILABLE, WITHHELD_IN)
    await change(of["post:101"], AVAILABLE, WITHHELD_IN)
    await change(of["post:102"], AVAILABLE, WITHHELD_IN, AUTHOR, KEPT)
    seen = FactSighting(
        of["post:102"].account_id, frozenset({(Flag.WITH_AUTHOR, "")}), None, minutes(at) + shift
    )
    await observe(conn, "", [seen])
    await change(of["post:103"], AVAILABLE, NOT_FOUND)
    return Posts({key: one.account_id for key, one in of.items()})


async def turn_into_posts(conn: Conn, account_ids: Collection[int]) -> None:
    """Make posts of these accounts. Each keeps all that was recorded of it, and has the handle AUTHOR/ID."""
    await conn.execute(
        """
        update account
        set is_post = true, native_id = 'post:' || native_id, handle = handle || '/' || native_id
        where account_id = any($1) and platform = 'x' and not is_post
        """,
        list(account_ids),
    )
