"""The tools say what the API says, what was read and what is not known. Wrong arguments get a sentence."""

import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server
from mcp_types import CallToolResult, TextContent

from jobs.mcp.questions import MOST
from jobs.mcp.server import PATH, http_app, mcp_server
from jobs.mcp.tools import StoredFacts
from storage.model.core.people import Role, Scope
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.every_page import Everything
from tests.support.seeds.people import a_person, a_token
from tests.support.servers.dashboard import SETTINGS, mounted

TOOLS = ("search", "status", "timeline", "changes", "compliance", "evidence")
SINCE = "2021-01-22T00:00:00Z"
UNTIL = "2021-02-01T12:00:00Z"


@dataclass(frozen=True, slots=True)
class Asked:
    """An assistant that connects to the server inside this process, for each question."""

    server: Server[dict[str, Any]]
    everything: Everything

    async def text(self, tool: str, arguments: Mapping[str, Any], *, refused: bool = False) -> str:
        async with Client(self.server) as client:
            result = await client.call_tool(tool, self.filled(arguments))
        (content,) = result.content
        assert isinstance(content, TextContent)
        assert bool(result.is_error) is refused, content.text
        assert refused or result.structured_content == json.loads(content.text)
        return content.text

    async def answer(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return json.loads(await self.text(tool, arguments))

    def filled(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """`{blocked}` is the number of the account that was blocked, and so on."""
        return {
            name: value.format(**self.everything.numbers)
            if isinstance(value, str) and "\0" not in value
            else value
            for name, value in arguments.items()
        }


@pytest.fixture
def asked(everything: Everything, pool: Pool, now: datetime) -> Asked:
    return Asked(mcp_server(StoredFacts(pool, lambda: now, SETTINGS.gap_after)), everything)


USUAL: dict[str, dict[str, Any]] = {
    "search": {"text": "order 1"},
    "status": {"list": "Order 1 list"},
    "timeline": {"account": "{blocked}"},
    "changes": {"since": SINCE},
    "compliance": {"order": "SYN/1"},
    "evidence": {"change": "{block}"},
}


async def test_a_found_account_has_its_state_and_its_newest_reading(asked: Asked) -> None:
    (found,) = (await asked.answer("search", {"text": "tent_city_news_7"}))["result"]
    stated = (await asked.answer("status", {"account": "tent_city_news_7"}))["result"][0]
    assert found["kind"] == "account"
    assert stated["state"] is not None
    assert {name: found[name] for name in stated} == stated


@pytest.mark.parametrize(
    ("tool", "arguments", "rule"),
    [
        ("search", {"text": "nobody at all"}, "an account that is not found may exist, and may be blocked."),
        ("status", {"account": "{never_read}"}, "It may be blocked or available."),
        ("status", {"account": "{never_read}"}, "Blockline had not read @"),
        ("status", {"account": "{blocked}"}, "The exact time is not known."),
        (
            "status",
            {"account": "{blocked}", "at": "2021-01-27T23:00:00Z"},
            "nothing is known from then until",
        ),
        ("status", {"platform": "mastodon"}, "That does not mean that no account is affected."),
        ("status", {"status": "unknown"}, "They may be blocked or available."),
        ("timeline", {"account": "{never_read}"}, "The account may have been blocked or available."),
        ("timeline", {"account": "{blocked}"}, "A status that began and ended in one of them was not seen."),
        ("timeline", {"account": "{blocked}"}, "Nothing is known after 2021-02-01 11:53:00 UTC"),
        ("changes", {"since": SINCE}, "What began and ended in one of them was not seen."),
        ("changes", {"since": SINCE, "outcome": None}, "Provisional changes may still be refuted."),
        ("changes", {"since": SINCE, "platform": "mastodon"}, "That is not evidence that nothing changed"),
        ("compliance", {"order": "SYN/1"}, "The order names 19 accounts, of which 7 are not on its list."),
        ("compliance", {"order": "SYN/1", "limit": 2}, "10 accounts or posts are left off"),
        ("evidence", {"change": "{block}"}, "No time-stamping authority has stamped the hash chain"),
    ],
)
async def test_an_answer_says_what_it_does_not_show(
    asked: Asked, tool: str, arguments: dict[str, Any], rule: str
) -> None:
    assert rule in " ".join((await asked.answer(tool, arguments))["not_known"])


async def test_an_invented_scenario_is_called_so(asked: Asked, pool: Pool) -> None:
    async with transaction(pool) as conn:
        await conn.execute("insert into installation_key values ('synthetic', '\\x01')")
    for tool in TOOLS:
        answer = await asked.answer(tool, USUAL[tool])
        assert answer["not_known"][0] == "The data is an invented scenario: its accounts do not exist."


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("search", {}, "text: This argument is missing."),
        ("search", {"text": "a\0b"}, "text: This text contains a character that is not allowed."),
        ("search", {"text": "a", "limit": 21}, "limit: Input should be less than or equal to 20."),
        ("status", {"limit": MOST + 1}, "limit: Input should be less than or equal to 100."),
        ("status", {"at": "yesterday"}, "at: This is not a time; write it like 2021-02-11T12:00:00Z."),
        ("status", {"at": "2021-02-01"}, "at: This time has no zone; write it like 2021-02-11T12:00:00Z."),
        ("status", {"at": "2030-01-01T00:00:00Z"}, "at: 2030-01-01T00:00:00+00:00 is in the future."),
        ("status", {"account": "nobody"}, "There is no stored account 'nobody'."),
        ("status", {"country": "India"}, "country: String should match pattern '^[A-Z]{{2}}$'."),
        (
            "timeline",
            {"account": "1", "until": SINCE, "since": UNTIL},
            "since: It must be earlier than until",
        ),
        (
            "timeline",
            {"account": "1", "since": "1990-01-01T00:00:00Z"},
            "since: The period may be at most 3660 days.",
        ),
        ("changes", {"since": SINCE, "before_change": 99999}, "before_change: There is no change 99999."),
        ("changes", {"since": SINCE, "list": "Farm"}, "There is no list 'Farm'; there are: "),
        ("compliance", {"order": "SYN/9"}, "order: There is no such order; the tool search finds orders"),
        ("evidence", {"change": 99999}, "change: There is no change 99999."),
        ("evidence", {"change": 0}, "change: Input should be greater than or equal to 1."),
        ("write", {}, "There is no tool 'write'. There are: search, status, timeline, changes, compliance, "),
    ],
)
async def test_a_wrong_question_gets_one_sentence(
    asked: Asked, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    said = await asked.text(tool, arguments, refused=True)
    assert said.startswith(sentence.replace("{{", "{").replace("}}", "}"))
    assert "\n" not in said


@pytest.mark.parametrize("tool", TOOLS)
async def test_an_unknown_argument_is_refused_with_those_that_there_are(asked: Asked, tool: str) -> None:
    said = await asked.text(tool, {**USUAL[tool], "colour": "red"}, refused=True)
    assert said.startswith("colour: There is no such argument; this tool takes: ")
    assert set(USUAL[tool]) <= set(said.removesuffix(".").partition("takes: ")[2].split(", "))


async def test_an_answer_that_is_too_long_is_refused(
    everything: Everything, pool: Pool, now: datetime
) -> None:
    facts = StoredFacts(pool, lambda: now, timedelta(hours=1))
    async with Client(mcp_server(facts, largest=2_000)) as client:
        short = await client.call_tool("status", {"limit": 1})
        long = await client.call_tool("status", {"limit": MOST})
    assert not short.is_error
    assert long.is_error
    (content,) = long.content
    assert isinstance(content, TextContent)
    assert content.text == "The answer is longer than 2,000 characters. Ask for a smaller limit."


BLOCKLINE = Path(sys.executable).parent / "blockline"


def said(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@asynccontextmanager
async def served(pool: Pool, now: datetime) -> AsyncGenerator[str]:
    """The address of the tools."""
    facts = StoredFacts(pool, lambda: now, SETTINGS.gap_after)
    async with mounted(http_app(mcp_server(facts), pool, lambda: now)) as base:
        yield base + PATH


@asynccontextmanager
async def connected(address: str, token: str) -> AsyncGenerator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(address, http_client=http)) as client,
    ):
        yield client


@pytest.mark.slow
async def test_over_standard_input_and_output_an_assistant_asks_and_is_refused_in_a_sentence(
    everything: Everything, dsn: str, tmp_path: Path
) -> None:
    command = StdioServerParameters(
        command=str(BLOCKLINE), args=["mcp"], env={"BLOCKLINE_DATABASE_URL": dsn}, cwd=tmp_path
    )
    async with Client(command) as client:
        found = await client.call_tool("status", {"list": "Order 1 list", "limit": 3})
        wrong = await client.call_tool("status", {"limit": 0})
    assert found.structured_content is not None
    assert len(found.structured_content["result"]) == 3
    assert wrong.is_error
    assert said(wrong) == "limit: Input should be greater than or equal to 1."


async def test_with_a_wrong_token_the_client_of_the_library_does_not_connect(
    pool: Pool, now: datetime
) -> None:
    async with served(pool, now) as address:
        with pytest.RaisesGroup(Exception, allow_unwrapped=True, flatten_subgroups=True):
            async with connected(address, "wrong") as client:
                await client.list_tools()


async def test_a_request_that_is_too_large_is_refused(pool: Pool, now: datetime) -> None:
    await a_person(pool, "ada", Role.VIEWER, now)
    token = await a_token(pool, "ada", Scope.READ, now)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    async with served(pool, now) as address, httpx2.AsyncClient(headers=headers) as http:
        answer = await http.post(address, json={"padding": "x" * 200_000})
    assert answer.status_code == 413
