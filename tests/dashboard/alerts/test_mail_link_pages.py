"""The links in mails: looking changes nothing, a press of the button does it once, and nobody forges one."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import pytest

from dashboard.alerts.mail_link_pages import NEWER, UNKNOWN
from dashboard.auth.access import acting_as
from dashboard.auth.signed_links import Link, LinkAction, token
from dashboard.server.routing import asked
from dashboard.ui.words import day
from storage.alerts.rules import enable_rule, save_rule
from storage.alerts.threads import acknowledge
from storage.model.alerts.rules import AlertRule, Digest
from storage.model.core.people import Actor, Role
from storage.postgres.audit_log import acts
from storage.postgres.installation import link_key
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.seeds.alerts import DESK, NIGHT, Played
from tests.support.servers.dashboard import SETTINGS, page_of, served

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def acknowledging(played: Played, recipient: str = DESK) -> Link:
    """What the mails of the first story link to."""
    return Link(LinkAction.ACKNOWLEDGE, played.story_keys[0], recipient, played.now, played.groups[0])


async def address(pool: Pool, link: Link) -> str:
    async with transaction(pool) as conn:
        return f"/mail-link/{token(await link_key(conn), link)}"


async def logged(pool: Pool) -> list[tuple[str, str]]:
    """Who did what, newest first."""
    async with transaction(pool) as conn:
        return [(a.actor, a.action) for a in await acts(conn, 1000)]


async def rows(pool: Pool, table: Literal["story", "digest_refusal"]) -> list[str]:
    """All rows of a table, as one can compare them."""
    every = {"story": "select t::text from story t", "digest_refusal": "select t::text from digest_refusal t"}
    async with transaction(pool) as conn:
        return sorted(r["t"] for r in await conn.fetch(every[table]))


async def first_story(pool: Pool, played: Played, rule: str, recipient: str) -> Link:
    """What the mails of the first story of this rule link to."""
    async with transaction(pool) as conn:
        found = await conn.fetch(
            "select story_key from story join alert_rule using (rule_id) where name = $1 order by story_id",
            rule,
        )
    at = played.story_keys.index(found[0]["story_key"])
    return Link(LinkAction.ACKNOWLEDGE, played.story_keys[at], recipient, played.now, played.groups[at])


async def a_newer_group(pool: Pool, played: Played) -> None:
    """Add a group to the first story, without an email."""
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into story_wave (story_id, wave, closed_at, as_of, told)
            select story_id, wave + 1, $2, $2, '{}' from story join story_wave using (story_id)
            where story_key = $1 order by wave desc limit 1
            """,
            played.story_keys[0],
            played.now + timedelta(hours=1),
        )


async def test_a_link_does_not_acknowledge_a_newer_group_that_its_reader_never_saw(
    pool: Pool, dsn: str, played: Played
) -> None:
    old = acknowledging(played)
    first, newer = await address(pool, old), await address(pool, replace(old, group=played.groups[0] + 1))
    await a_newer_group(pool, played)
    before = await rows(pool, "story"), await logged(pool)
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        for method in ("GET", "POST"):
            async with session.request(method, base + first) as response:
                assert response.status == 409
                page = await response.text()
                assert NEWER in page
                assert "<form" not in page
        assert (await rows(pool, "story"), await logged(pool)) == before
        async with session.post(base + newer) as response:
            assert response.status == 200
        async with session.get(base + first) as response:
            assert "Already acknowledged" in await response.text()


@pytest.mark.parametrize(
    ("act", "days", "of", "done"),
    [
        (LinkAction.ACKNOWLEDGE, 30, "changes", "Reminders stop"),
        (LinkAction.UNSUBSCRIBE, 60, "period", "no longer receives digests"),
    ],
    ids=str,
)
async def test_a_link_ends_and_its_page_says_when_and_what_to_do_instead(
    pool: Pool, dsn: str, played: Played, act: LinkAction, days: int, of: str, done: str
) -> None:
    unsubscribing = Link(act, "recipients", DESK, played.now)
    link = acknowledging(played) if act is LinkAction.ACKNOWLEDGE else unsubscribing
    path, end = await address(pool, link), played.now + timedelta(days=days)
    before = await rows(pool, "story"), await rows(pool, "digest_refusal")
    async with served(pool, dsn, end) as base, aiohttp.ClientSession() as session:
        for method in ("GET", "POST"):
            async with session.request(method, base + path) as response:
                assert response.status == 410
                page = await response.text()
                ended = f"This link ended on {day(end)}, {days} days after the {of} that its email reports."
                assert ended in page
                assert "<form" not in page
    assert (await rows(pool, "story"), await rows(pool, "digest_refusal")) == before
    async with (
        served(pool, dsn, end - timedelta(hours=1)) as base,
        aiohttp.ClientSession() as session,
        session.post(base + path) as response,
    ):
        assert response.status == 200
        assert done in await response.text()


async def test_a_recipient_of_a_disabled_rule_can_acknowledge_what_it_sent_before(
    pool: Pool, dsn: str, played: Played
) -> None:
    path = await address(pool, await first_story(pool, played, "Night desk", NIGHT))
    async with transaction(pool) as conn:
        await enable_rule(conn, "Night desk", "test", played.now, enabled=False)
    async with (
        served(pool, dsn, played.now) as base,
        aiohttp.ClientSession() as session,
        session.post(base + path) as response,
    ):
        assert response.status == 200
        assert "Acknowledged" in await response.text()


async def test_a_request_that_sends_its_body_slowly_holds_no_connection_to_the_database(
    pool: Pool, dsn: str, played: Played
) -> None:
    path = await address(pool, acknowledging(played))
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        host = urlsplit(base)
        writers: list[asyncio.StreamWriter] = []
        for _ in range(pool.get_max_size()):
            reader, writer = await asyncio.open_connection(host.hostname, host.port)
            writers.append(writer)
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: {host.netloc}\r\nContent-Length: 9\r\n"
                "Expect: 100-continue\r\n\r\n".encode()
            )
            # The server says so when it begins to wait for the body.
            assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        async with asyncio.timeout(20), session.get(base + path) as response:
            assert response.status == 200
        for writer in writers:
            writer.close()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(ONE_CLICK.encode(), FORM, id="a form, as most mail programs send it"),
        pytest.param(
            b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            {"Content-Type": "multipart/form-data; boundary=b"},
            id="a form in parts, as the others do",
        ),
        pytest.param(b"", FORM, id="the button on our own page"),
    ],
)
async def test_one_click_unsubscribes_without_an_origin_and_without_a_page(
    pool: Pool, dsn: str, now: datetime, body: bytes, headers: dict[str, str]
) -> None:
    async with transaction(pool) as conn:
        board = AlertRule(("board@example.org",), name="Board", digest=Digest.WEEKLY)
        await save_rule(conn, board, "command line", now)
    path = await address(pool, Link(LinkAction.UNSUBSCRIBE, "Board", "board@example.org", now))
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        async with session.get(base + path) as response:
            offer = await response.text()
        looked = await rows(pool, "digest_refusal")
        pages: list[str] = []
        for _ in range(2):
            async with session.post(base + path, data=body, headers=headers) as response:
                assert response.status == 200
                pages.append(await response.text())

    assert "board@example.org will no longer receive digests of the rule “Board”" in offer
    assert looked == []
    assert "board@example.org no longer receives digests of the rule “Board”." in pages[0]
    assert "Already unsubscribed" in pages[1]
    assert (await logged(pool))[0] == ("mail to board@example.org", "digests refused")
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from digest_refusal") == 1


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param("nonsense", id="no token"),
        pytest.param("{token}x", id="a token with something behind it"),
        pytest.param("{other_key}", id="signed with another key"),
        pytest.param("{no_story}", id="about a story that is not there"),
        pytest.param("{no_rule}", id="about a rule that is not there"),
        pytest.param("%00%ff", id="bytes that are no text"),
        pytest.param("a" * 5000, id="very long"),
    ],
)
async def test_a_link_that_is_not_ours_is_answered_by_the_same_sentence(
    pool: Pool, dsn: str, played: Played, forged: str
) -> None:
    good = acknowledging(played)
    tokens = {
        "token": (await address(pool, good)).rpartition("/")[2],
        "other_key": token(b"x" * 32, good),
        "no_story": (await address(pool, replace(good, subject="gone"))).rpartition("/")[2],
        "no_rule": (await address(pool, Link(LinkAction.UNSUBSCRIBE, "gone", DESK, played.now))).rpartition(
            "/"
        )[2],
    }
    before = await rows(pool, "story"), await logged(pool)
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        url = f"{base}/mail-link/{forged.format(**tokens)}"
        for method in ("GET", "POST"):
            async with session.request(method, url) as response:
                assert response.status == 404
                assert re.findall(r"<p>(.*)</p>", await response.text()) == [UNKNOWN]

    assert (await rows(pool, "story"), await logged(pool)) == before


async def test_a_note_that_is_too_long_acknowledges_nothing(pool: Pool, dsn: str, played: Played) -> None:
    path = await address(pool, acknowledging(played))
    before = await rows(pool, "story")
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        for note in ("x" * 501, "x" * 100_000, "\0"):
            async with session.post(base + path, data={"note": note}) as response:
                assert response.status == 422
                assert "Not acknowledged" in await response.text()

    assert await rows(pool, "story") == before


async def page(pool: Pool, played: Played, path: str, search: str = "", role: Role = Role.ADMIN) -> str:
    async with transaction(pool) as conn:
        with acting_as(Actor("Ada", role)):
            return said(await page_of(conn, path, played.now, SETTINGS, "light", asked(search)))


async def test_the_page_tells_what_is_asked_for(pool: Pool, played: Played) -> None:
    dead = await page(pool, played, "/alerts/deliveries", "?state=dead")
    assert "550 no such user" in dead
    assert "Send again" in dead
    assert "○" not in dead
    assert "Send again" not in await page(pool, played, "/alerts/deliveries", "?state=dead", Role.VIEWER)
    assert "No email or message matches this filter." in await page(
        pool, played, "/alerts/deliveries", "?to=x%40example.org"
    )


async def test_a_merged_mail_is_listed_with_the_one_that_says_both(pool: Pool, played: Played) -> None:
    await pool.execute(
        "update mail set state = 'merged', merged_into = $1 + 1 where mail_id = $1", played.dead_mail
    )
    merged = await page(pool, played, "/alerts/deliveries", "?state=merged")
    assert f"email {played.dead_mail + 1} contains both" in merged
    assert "Send again" not in merged


async def test_stories_that_were_taken_on_are_told_on_the_alerts_page(pool: Pool, played: Played) -> None:
    async with transaction(pool) as conn:
        await acknowledge(conn, played.story_keys[0], "Ada", "I call them", played.now)
    told = await page(pool, played, "/alerts")
    assert "Acknowledged by" in told
    assert "Ada 1 Feb 2021, 12:00 UTC “I call them” –" in " ".join(told.split())


async def test_the_list_of_mails_keeps_what_is_chosen_beside_the_mail_that_is_read(
    pool: Pool, played: Played
) -> None:
    async with transaction(pool) as conn:
        with acting_as(Actor("Ada", Role.ADMIN)):
            found = await page_of(conn, "/mail", played.now, SETTINGS, "light", asked("?state=dead"))
            nothing = await page_of(conn, "/mail", played.now, SETTINGS, "light", asked("?to=x&state=sent"))
    assert f"/mail/{played.dead_mail}?state=dead" in str(found.to_plotly_json())
    assert "Failed permanently after 5 attempts: 550 no such user" in said(found)
    assert "No email matches this filter. Select an email to read it." in " ".join(said(nothing).split())
