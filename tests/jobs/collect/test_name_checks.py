"""Names of name checks, looked up at platform simulators over real sockets."""

from collections.abc import Mapping

from collectors.x.declaration import X
from jobs.collect.name_checks import look_names_up
from jobs.collect.name_lookup import Resolver
from jobs.config.settings import load_settings
from storage.accounts.name_checks import lines_of, open_check
from storage.model.core.accounts import Platform
from storage.model.tables.name_check import CheckedLine, LineStatus, check_lines
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import T0
from tests.support.simulated.several_platforms import BOB, CHANNEL, HEALTHY, leading_to

NAMES = f"""x:alpha
x:gamma
x:nobody
x:id:1002
healthy.test
{HEALTHY}
@bob@social.example
https://www.youtube.com/channel/{CHANNEL}
"""


def resolver(environ: Mapping[str, str]) -> Resolver:
    return Resolver(load_settings(None, environ), lambda: T0)


async def looked_up(pool: Pool, text: str, asking: Resolver) -> list[CheckedLine]:
    async with transaction(pool) as conn:
        check_id = await open_check(conn, check_lines(text, "a list", None), "a list", None, None, "Asha", T0)
    for platform in Platform:
        await look_names_up(pool, platform, asking)
    async with transaction(pool) as conn:
        return await lines_of(conn, check_id)


async def test_each_platform_answers_for_its_names(pool: Pool, platforms: Mapping[str, str]) -> None:
    lines = await looked_up(pool, NAMES, resolver(leading_to(platforms)))
    found = {line.said.words: (line.status, line.found and line.found.native_id) for line in lines}
    assert found == {
        "x:alpha": (LineStatus.FOUND, "1001"),
        "x:gamma": (LineStatus.NOT_FOUND, None),
        "x:nobody": (LineStatus.NOT_FOUND, None),
        "x:id:1002": (LineStatus.FOUND, "1002"),
        "healthy.test": (LineStatus.FOUND, HEALTHY),
        HEALTHY: (LineStatus.FOUND, HEALTHY),
        "@bob@social.example": (LineStatus.FOUND, BOB),
        f"https://www.youtube.com/channel/{CHANNEL}": (LineStatus.FOUND, CHANNEL),
    }


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


async def test_more_names_than_one_batch_are_all_asked(pool: Pool, platforms: Mapping[str, str]) -> None:
    text = "\n".join(f"x:stranger{n}" for n in range(250))
    lines = await looked_up(pool, text, resolver(leading_to(platforms)))
    assert {line.status for line in lines} == {LineStatus.NOT_FOUND}
    assert {line.said.platform for line in lines} == {X}
