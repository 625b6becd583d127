"""The page of a post says post, leads to its author, and shows the author's status beside its own."""

from datetime import datetime

import aiohttp
import pytest

from dashboard.auth.access import acting_as
from storage.accounts.accounts import record_renames
from storage.accounts.side_facts import observe
from storage.model.core.accounts import HandleChange
from storage.model.core.people import Actor, Role, Scope
from storage.model.core.side_facts import FactSighting
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, transaction
from storage.purge.purge import purges
from tests.support.clients.api import Api, api_served
from tests.support.clients.page_walker import said
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.people import WITH_LOGIN, a_person, a_token
from tests.support.seeds.posts import Posts, seed_posts
from tests.support.servers.dashboard import SETTINGS, page_of, served

NOW = minutes(170)


@pytest.fixture
async def posts(pool: Pool) -> Posts:
    async with transaction(pool) as conn:
        return await seed_posts(conn)


async def page(conn: Conn, posts: Posts, which: str) -> tuple[str, str]:
    """The words of a page, and its components, whose text holds the addresses of links."""
    drawn = await page_of(conn, f"/account/{posts.numbers[which]}", NOW, SETTINGS, "light")
    return " ".join(said(drawn).split()), str(drawn)


async def test_of_several_accounts_that_had_the_handle_none_is_taken_for_the_author(
    pool: Pool, posts: Posts
) -> None:
    async with transaction(pool) as conn:
        alice, al = posts.numbers["100"], posts.numbers["400"]
        await record_renames(conn, [HandleChange(al, "alice", "al", T0, minutes(5))], minutes(5))
        words, made = await page(conn, posts, "post:101")
        of_author, _ = await page(conn, posts, "100")
        of_other, _ = await page(conn, posts, "400")
    assert "By @alice ; a stored account had this handle before" in words
    assert f"/account/{alice}'" not in made
    assert "Its posts" not in of_author
    assert "Its posts" not in of_other


async def test_a_status_is_called_the_authors_no_longer_than_that_was_seen(pool: Pool, posts: Posts) -> None:
    post = posts.numbers["post:102"]
    async with transaction(pool) as conn:
        before, _ = await page(conn, posts, "post:102")
        look = FactSighting(post, frozenset(), minutes(135), minutes(165))
        await observe(conn, "", [look])
        after, _ = await page(conn, posts, "post:102")
        of_author, _ = await page(conn, posts, "100")
    assert "Its status is that of its author's account" in before
    assert "Withheld in India (IN). Changed" in after
    assert "@alice/102 Withheld in India (IN) 1 Feb 2021" in of_author


async def test_a_preview_counts_what_the_purge_then_removes(pool: Pool, dsn: str, now: datetime) -> None:
    async with transaction(pool) as conn:
        account, change_id = await block_of(conn)
    where = f"/accounts/{account.account_id}/purge"
    async with api_served(pool, dsn, now) as api:
        preview = (await api.get(where)).json
        whole = (await api.get(where, whole="true")).json
        async with transaction(pool) as conn:
            assert await purges(conn) == []
        wrong = await api.send("POST", where, {"confirm": "@somebody"})
        done = await api.send(
            "POST", where, {"confirm": f"@{preview['handle'].upper()}", "reason": "a request"}
        )
        missing = await api.get("/accounts/999/purge")
        evidence = await api.get(f"/changes/{change_id}")
    assert (missing.status, missing.detail) == (404, "There is no account 999.")
    assert (wrong.status, wrong.detail) == (
        409,
        "This is not the handle of the account, so nothing was purged.",
    )
    assert done.status == 200
    assert {"handle": preview["handle"], **done.json} == preview
    assert (preview["evidence"], preview["handles"], preview["was_watched"]) == (2, 1, True)
    assert (whole["whole"], whole["changes"]) == (True, 2)
    assert evidence.json["handle"] == "1", "the platform's id stands in place of the handle"
    async with transaction(pool) as conn:
        (logged,) = await purges(conn)
        entry = (await acts(conn, 1))[0]
    assert logged.reason == "a request"
    assert (entry.action, entry.subject) == ("account purged", f"account {account.account_id}")
    assert preview["handle"] not in repr(entry)
    assert "a request" not in repr(entry)


async def test_only_admins_purge(pool: Pool, dsn: str, now: datetime) -> None:
    async with transaction(pool) as conn:
        account, _ = await block_of(conn)
    for role in (Role.ANALYST, Role.ADMIN):
        await a_person(pool, role.value, role, now)
    told: list[int] = []
    async with served(pool, dsn, now, WITH_LOGIN) as base, aiohttp.ClientSession() as session:
        for who, scope in (("analyst", Scope.ADMIN), ("admin", Scope.WRITE), ("admin", Scope.ADMIN)):
            api = Api(base, session, await a_token(pool, who, scope, now))
            told.append((await api.get(f"/accounts/{account.account_id}/purge")).status)
    assert told == [403, 403, 200]
    async with transaction(pool) as conn:
        with acting_as(Actor("ada", Role.ANALYST)):
            assert "/purge" not in repr(
                await page_of(conn, f"/account/{account.account_id}", now, SETTINGS, "light")
            )
            refused = await page_of(conn, f"/account/{account.account_id}/purge", now, SETTINGS, "light")
            assert "This needs the role admin" in repr(refused)
        with acting_as(Actor("ada", Role.ADMIN)):
            page = repr(await page_of(conn, f"/account/{account.account_id}/purge", now, SETTINGS, "light"))
    assert "A purge cannot be undone." in page
