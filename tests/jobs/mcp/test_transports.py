"""Clients of the library reach the server over standard input and output, and over HTTP with a token."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from jobs.mcp.server import PATH, http_app, mcp_server
from jobs.mcp.tools import StoredFacts
from storage.model.core.people import Role, Scope
from storage.postgres.pool import Pool
from tests.support.clients.command_line import blockline, forget_settings
from tests.support.seeds.every_page import Everything
from tests.support.seeds.people import a_person, a_token
from tests.support.servers.dashboard import SETTINGS, mounted

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


@pytest.mark.parametrize("address", ["127.0.0.1", ":8055", "localhost:99999", "localhost:http", ""])
def test_an_address_that_is_none_is_refused_in_one_sentence(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_settings(monkeypatch, tmp_path)
    ran = blockline(capsys)("mcp", "--http", address)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"--http: {address!r} is not an address; write it like 127.0.0.1:8055.\n"
