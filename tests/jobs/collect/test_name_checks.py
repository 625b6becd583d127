"""Names of name checks, looked up at platform simulators over real sockets."""

from collections.abc import Generator, Mapping

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock
from jobs.collect.collector_factory import collector_of
from jobs.collect.monitor import MonitorSettings
from jobs.collect.name_checks import look_names_up
from jobs.collect.name_lookup import Resolver
from jobs.collect.pipeline import reading_pipeline
from jobs.config.settings import load_settings
from jobs.detect.confirmation import ConfirmationRule
from storage.accounts.name_checks import lines_of, name_check, open_check, watch_lines
from storage.model.core.accounts import Platform
from storage.model.tables.name_check import CheckedLine, LineStatus, check_lines
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.pipelines.monitor import SWEEP
from tests.support.samples.readings import T0, minutes
from tests.support.servers.dashboard import SETTINGS, page_of
from tests.support.simulated.several_platforms import HEALTHY, leading_to, simulated


def resolver(environ: Mapping[str, str]) -> Resolver:
    return Resolver(load_settings(None, environ), lambda: T0)


async def looked_up(pool: Pool, text: str, asking: Resolver) -> list[CheckedLine]:
    async with transaction(pool) as conn:
        check_id = await open_check(conn, check_lines(text, "a list", None), "a list", None, None, "Asha", T0)
    for platform in Platform:
        await look_names_up(pool, platform, asking)
    async with transaction(pool) as conn:
        return await lines_of(conn, check_id)


async def test_a_platform_without_a_key_or_out_of_reach_is_named_and_asked_again(pool: Pool) -> None:
    closed = resolver(
        {"BLOCKLINE_PLATFORMS": "x, bluesky", "BLOCKLINE_BLUESKY_APP_VIEW": "http://127.0.0.1:1"}
    )
    lines = await looked_up(pool, f"x:alpha {HEALTHY} @bob@social.example", closed)
    assert [(line.status, line.is_open) for line in lines] == [(LineStatus.NO_ANSWER, True)] * 3
    assert [line.words for line in (lines[0], lines[2])] == [
        "It cannot be looked up: set x_bearer_token.",
        "The setting platforms leaves out Mastodon.",
    ]
    assert lines[1].words.startswith("Bluesky gave no answer (")


DID = "did:plc:z72i7hdynmk6r22z27h6tvur"
KEY = "3l6oveex3ii2l"
HISTORY = f"""platform,account_id,handle,at,status,withheld_in,list,detail
x,100,alice,2021-02-01T00:00:00Z,withheld,IN,L,
x,post:101,alice/101,2021-02-01T00:00:00Z,withheld,IN,L,with_author
x,post:102,bob/102,2021-02-01T00:00:00Z,withheld,IN,L,
bluesky,{DID},carol.example,2021-02-01T00:00:00Z,available,,L,
bluesky,at://{DID}/app.bsky.feed.post/{KEY},carol.example/{KEY},2021-02-01T00:00:00Z,available,,L,
mastodon,https://mastodon.example/users/ann#1,ann@mastodon.example,2021-02-01T00:00:00Z,available,,L,
mastodon,https://mastodon.example/@ann/109,ann@mastodon.example/109,2021-02-01T00:00:00Z,available,,L,
"""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, str]]:
    history = tmp_path_factory.mktemp("simulated") / "history.csv"
    history.write_text(HISTORY)
    with simulated(history) as found:
        yield found


def environ(addresses: Mapping[str, str]) -> dict[str, str]:
    """The settings that lead to the simulators of these platforms."""
    return leading_to({"youtube": "http://127.0.0.1:1", **addresses})


@pytest.mark.parametrize(
    ("platform", "pasted", "handle", "status"),
    [
        pytest.param(
            X,
            "https://x.com/alice/status/101?s=20",
            "alice/101",
            "Withheld in India (IN) with its author's account.",
            id="X withholds it with its author's account",
        ),
        pytest.param(
            X, "https://x.com/i/status/102", "bob/102", "Withheld in India (IN).", id="X withholds the post"
        ),
        pytest.param(
            BLUESKY,
            f"https://bsky.app/profile/carol.example/post/{KEY}",
            f"carol.example/{KEY}",
            "Available.",
            id="Bluesky shows it",
        ),
        pytest.param(
            MASTODON,
            "https://mastodon.example/@ann/109",
            "ann@mastodon.example/109",
            "Available.",
            id="the server of its author on Mastodon shows it",
        ),
    ],
)
async def test_a_pasted_post_is_looked_up_watched_and_read(
    pool: Pool, addresses: Mapping[str, str], platform: Platform, pasted: str, handle: str, status: str
) -> None:
    settings = load_settings(None, environ(addresses))
    clock = SimulatedClock(T0)
    async with transaction(pool) as conn:
        check_id = await open_check(conn, check_lines(pasted, "a list", X), "a list", X, None, "Asha", T0)
    await look_names_up(pool, platform, Resolver(settings, clock))
    async with transaction(pool) as conn:
        (line,) = await lines_of(conn, check_id)
        check = await name_check(conn, check_id)
        assert check is not None
        assert (line.status, line.is_post) == (LineStatus.FOUND, True)
        assert line.words.startswith(f"Post @{handle} (")
        await watch_lines(conn, check, [1], ("Desk",), (), "Asha", T0)
        number = await conn.fetchval("select account_id from account where handle = $1", handle)
    async with collector_of(settings, platform) as collector:
        monitor = reading_pipeline(pool, collector, ConfirmationRule(), MonitorSettings(SWEEP), clock)
        await monitor.load()
        for minute in (0, 5, 10, 30):
            clock.set(minutes(minute))
            await monitor.tick()
    async with transaction(pool) as conn:
        page = said(await page_of(conn, f"/account/{number}", minutes(31), SETTINGS, "light"))
    assert f"Post @{handle}" in page
    assert status in page
