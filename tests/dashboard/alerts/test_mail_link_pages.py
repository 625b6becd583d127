"""The links in mails: looking changes nothing, a press of the button does it once, and nobody forges one."""

import re
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import pytest

from dashboard.alerts.mail_link_pages import UNKNOWN
from dashboard.auth.signed_links import Link, LinkAction, token, without_tokens
from storage.alerts.rules import save_rule
from storage.alerts.threads_report import thread_status
from storage.model.alerts.rules import AlertRule, Digest
from storage.model.core.people import Role
from storage.postgres.audit_log import acts
from storage.postgres.installation import link_key
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.alerts import DESK, HOSTILE, Played
from tests.support.seeds.people import WITH_LOGIN, a_person, browser_of
from tests.support.servers.dashboard import served

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


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


async def test_looking_at_an_acknowledge_link_ten_times_changes_nothing(
    pool: Pool, dsn: str, played: Played
) -> None:
    path = await address(pool, Link(LinkAction.ACKNOWLEDGE, played.story_keys[0], DESK))
    before = await rows(pool, "story"), await logged(pool)
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        for method in ("GET", "HEAD") * 5:
            async with session.request(method, base + path) as response:
                page = await response.text()
                assert response.status == 200
        async with session.get(base + path) as response:
            page = await response.text()

    assert (await rows(pool, "story"), await logged(pool)) == before
    assert '<button type="submit" class="button primary">Acknowledge</button>' in page
    assert "<form" in page
    async with transaction(pool) as conn:
        story = await thread_status(conn, played.story_keys[0])
    assert story is not None
    assert story.subject.partition("(")[0] in page


async def test_the_first_press_acknowledges_and_the_second_says_who_was_first(
    pool: Pool, dsn: str, played: Played
) -> None:
    key = played.story_keys[0]
    first = await address(pool, Link(LinkAction.ACKNOWLEDGE, key, DESK))
    second = await address(pool, Link(LinkAction.ACKNOWLEDGE, key, "late@example.org"))
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        async with session.post(base + first, data=b"note=I+call+them+%26+you", headers=FORM) as response:
            told = await response.text()
            assert response.status == 200
        async with session.post(base + second, data=b"note=me+too", headers=FORM) as response:
            late = await response.text()
            assert response.status == 200
        async with session.get(base + first) as response:
            after = await response.text()

    assert "Acknowledged" in told
    for page in (late, after):
        assert "Acknowledged by a reader of the mail to desk@example.org on " in page
        assert "I call them &amp; you" in page
        assert "<form" not in page
    assert "Already acknowledged" in late
    assert [a for a in await logged(pool) if a[1] == "acknowledged"] == [
        ("mail to desk@example.org", "acknowledged")
    ]
    assert "me too" not in str(await rows(pool, "story"))


async def test_a_later_wave_has_to_be_acknowledged_anew(pool: Pool, dsn: str, played: Played) -> None:
    key = played.story_keys[0]
    path = await address(pool, Link(LinkAction.ACKNOWLEDGE, key, DESK))
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        async with session.post(base + path) as response:
            assert response.status == 200
        async with transaction(pool) as conn:
            await conn.execute(
                """
                insert into story_wave (story_id, wave, closed_at, as_of, told)
                select story_id, wave + 1, $2, $2, '{}' from story join story_wave using (story_id)
                where story_key = $1 order by wave desc limit 1
                """,
                key,
                played.now + timedelta(hours=1),
            )
        async with session.get(base + path) as response:
            page = await response.text()

    assert (
        "The earlier alert was acknowledged by a reader of the mail to desk@example.org. "
        "Further changes followed." in page
    )
    assert "<form" in page


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
    path = await address(pool, Link(LinkAction.UNSUBSCRIBE, "Board", "board@example.org"))
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


async def test_who_reads_a_mail_on_the_dashboard_does_not_thereby_have_its_links(
    pool: Pool, dsn: str, played: Played
) -> None:
    """Else a viewer could acknowledge, and in the name of somebody else."""
    await a_person(pool, "vera", Role.VIEWER, played.now)
    async with transaction(pool) as conn:
        mails = await conn.fetch("select mail_id, text_body from mail where text_body like '%/mail-link/%'")
    assert mails
    async with served(pool, dsn, played.now, WITH_LOGIN) as base, browser_of(base, "vera") as vera:
        for mail_id, text in mails:
            tokens = re.findall(r"/mail-link/(\S+)", text)
            routed = {"path": f"/mail/{mail_id}", "query": "", "theme": "light"}
            asked = {
                "output": "page.children",
                "outputs": {"id": "page", "property": "children"},
                "inputs": [{"id": "routed", "property": "data", "value": routed}],
                "changedPropIds": ["routed.data"],
                "state": [],
            }
            async with vera.post(f"{base}/_dash-update-component", json=asked) as answer:
                page = await answer.text()
            assert "Links are shown without their signature" in page
            for secret in tokens:
                assert secret not in page
                assert secret.partition(".")[0] not in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("no link", "no link", id="a mail without links"),
        pytest.param(
            "at https://a.example/mail-link/aB-_.c=\nend", "at https://a.example/mail-link/…\nend", id="text"
        ),
        pytest.param('<a href="/mail-link/aB.c&amp;">', '<a href="/mail-link/…&amp;">', id="HTML"),
        pytest.param("/mail-link/a and /mail-link/.b", "/mail-link/… and /mail-link/…", id="two of them"),
    ],
)
def test_a_mail_is_shown_without_what_its_links_are_signed_with(text: str, shown: str) -> None:
    assert without_tokens(text) == shown


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
    good = Link(LinkAction.ACKNOWLEDGE, played.story_keys[0], DESK)
    tokens = {
        "token": (await address(pool, good)).rpartition("/")[2],
        "other_key": token(b"x" * 32, good),
        "no_story": (await address(pool, Link(LinkAction.ACKNOWLEDGE, "gone", DESK))).rpartition("/")[2],
        "no_rule": (await address(pool, Link(LinkAction.UNSUBSCRIBE, "gone", DESK))).rpartition("/")[2],
    }
    before = await rows(pool, "story"), await logged(pool)
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        url = f"{base}/mail-link/{forged.format(**tokens)}"
        for method in ("GET", "POST"):
            async with session.request(method, url) as response:
                assert response.status == 404
                assert re.findall(r"<p>(.*)</p>", await response.text()) == [UNKNOWN]

    assert (await rows(pool, "story"), await logged(pool)) == before


async def test_a_link_under_another_host_is_refused(pool: Pool, dsn: str, played: Played) -> None:
    path = await address(pool, Link(LinkAction.ACKNOWLEDGE, played.story_keys[0], DESK))
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        for method in ("GET", "POST"):
            host = f"rebound.example:{urlsplit(base).port}"
            async with session.request(method, base + path, headers={"Host": host}) as response:
                assert response.status == 421


async def test_what_strangers_wrote_is_neither_markup_nor_hidden(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with transaction(pool) as conn:
        await conn.execute("update mail set subject = $1", f"@{HOSTILE} suspended")
    key = played.story_keys[0]
    path = await address(pool, Link(LinkAction.ACKNOWLEDGE, key, "desk+<b>@example.org"))
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        async with session.get(base + path) as response:
            offer = await response.text()
        async with session.post(base + path, data={"note": f"</p><script>1</script>{HOSTILE}"}) as response:
            done = await response.text()
        async with session.get(base + path) as response:
            again = await response.text()

    for page in (offer, done, again):
        assert "<img" not in page
        assert "<script>1" not in page
        assert "\u202e" not in page
        assert "\u200b" not in page
        assert "@&lt;img src=x onerror=alert(1)&gt;" in page


async def test_a_note_that_is_too_long_acknowledges_nothing(pool: Pool, dsn: str, played: Played) -> None:
    path = await address(pool, Link(LinkAction.ACKNOWLEDGE, played.story_keys[0], DESK))
    before = await rows(pool, "story")
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        for note in ("x" * 501, "x" * 100_000, "\0"):
            async with session.post(base + path, data={"note": note}) as response:
                assert response.status == 422
                assert "Not acknowledged" in await response.text()

    assert await rows(pool, "story") == before
