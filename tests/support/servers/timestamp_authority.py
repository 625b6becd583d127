"""A time-stamping authority on a real socket: openssl signs, an aiohttp server hands it out."""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import web

T = TypeVar("T")

_CONFIG = """[tsa]
default_tsa = t
[t]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
_EXTENSIONS = (
    "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
    "basicConstraints=critical,CA:FALSE\n"
)
_KEY = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Openssl:
    """An authority with its own root certificate, in a folder."""

    def __init__(self, folder: Path, name: str = "Test Authority") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed, so that there is no authority to ask")
        folder.mkdir()
        self._folder = folder
        self.root = folder / "root.pem"
        self._run(
            *("req", "-x509", "-newkey", *_KEY, "-keyout", folder / "root.key", "-out", self.root),
            *("-days", "30", "-subj", "/CN=Test Root"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"),
        )
        self._run(
            *("req", "-newkey", *_KEY, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr"),
            *("-subj", f"/CN={name}"),
        )
        (folder / "extensions").write_text(_EXTENSIONS)
        self._run(
            *("x509", "-req", "-in", folder / "tsa.csr", "-CA", self.root, "-CAkey", folder / "root.key"),
            *("-CAcreateserial", "-out", folder / "tsa.pem", "-days", "30"),
            *("-extfile", folder / "extensions"),
        )
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01")

    def answer(self, query: bytes) -> bytes:
        """What the authority says to a query."""
        (self._folder / "query").write_bytes(query)
        self._run(
            *("ts", "-reply", "-config", self._folder / "tsa.cnf", "-section", "t"),
            *("-queryfile", self._folder / "query", "-out", self._folder / "answer"),
        )
        return (self._folder / "answer").read_bytes()

    def query(self, content: bytes) -> bytes:
        """A query about some content, as openssl itself makes it."""
        (self._folder / "content").write_bytes(content)
        self._run(
            *("ts", "-query", "-data", self._folder / "content", "-sha256", "-cert"),
            *("-out", self._folder / "query"),
        )
        return (self._folder / "query").read_bytes()

    def verifies(self, token: Path, content: Path) -> bool:
        """Whether openssl itself believes a stored answer."""
        done = subprocess.run(
            ["openssl", "ts", "-verify", "-in", token, "-data", content, "-CAfile", self.root],
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def _run(self, *arguments: str | Path) -> None:
        subprocess.run(["openssl", *arguments], capture_output=True, check=True)


class Authority:
    """What the server hands out can be set."""

    def __init__(self, openssl: Openssl) -> None:
        self.openssl = openssl
        self.asked = 0
        self.status = 200
        self.pause_s = 0.0
        self.spoil: Callable[[bytes], bytes] = bytes
        """Makes of an answer what is sent."""
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        query = await request.read()
        await asyncio.sleep(self.pause_s)
        answer = await asyncio.to_thread(self.openssl.answer, query)
        return web.Response(body=self.spoil(answer), status=self.status)


@asynccontextmanager
async def authority(openssl: Openssl) -> AsyncGenerator[Authority]:
    """The authority on a free port, until the block ends."""
    one = Authority(openssl)
    app = web.Application()
    app.router.add_post("/tsa", one.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        one.url = f"http://127.0.0.1:{port}/tsa"
        yield one
    finally:
        await runner.cleanup()


@contextmanager
def authority_in_thread(openssl: Openssl) -> Generator[Authority]:
    """The authority in a loop of its own: commands have theirs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    running = authority(openssl)
    try:
        yield wait(running.__aenter__())
        wait(running.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
