"""Dash's scripts: compressed once, and the same as those that are not."""

import re
from datetime import datetime
from typing import Any

import aiohttp

from dashboard.server.dash_bundles import SUITES, BundleMiddleware
from storage.postgres.pool import Pool
from tests.support.servers.dashboard import mounted, served

GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


class Counting:
    """An app with one script, that knows how often it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.asked = 0
        self._status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.asked += 1
        assert b"gzip" not in dict(scope["headers"]).get(b"accept-encoding", b"")
        headers = [(b"content-length", b"9000"), (b"cache-control", b"public, max-age=31536000")]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": b"script();" * 1000})


async def test_what_is_not_there_is_not_kept() -> None:
    app = Counting(status=404)
    async with mounted(BundleMiddleware(app)) as base, aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.get(f"{base}{SUITES}dash/b.js", headers=GZIP) as answer:
                assert answer.status == 404
                assert "content-encoding" not in answer.headers
    assert app.asked == 2


async def test_every_script_of_the_page_is_the_same_compressed_and_plain(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        async with session.get(base) as page:
            scripts = re.findall(rf'src="({SUITES}[^"]+)"', await page.text())
        assert len(scripts) > 3
        for script in scripts:
            texts: list[bytes] = []
            for headers in (PLAIN, GZIP, GZIP):
                async with session.get(base + script, headers=headers) as answer:
                    assert answer.status == 200
                    texts.append(await answer.read())
            assert len(set(texts)) == 1
