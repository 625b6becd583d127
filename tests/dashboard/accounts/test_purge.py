"""Purging an account over the API: a preview removes nothing, and the audit log has who did it."""

from datetime import datetime

import aiohttp

from dashboard.auth.access import acting_as
from storage.model.core.people import Actor, Role, Scope
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from storage.purge.purge import purges
from tests.support.clients.api import Api, api_served
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.people import WITH_LOGIN, a_person, a_token
from tests.support.servers.dashboard import SETTINGS, page_of, served


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
