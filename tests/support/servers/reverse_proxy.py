"""What the docs say about a reverse proxy, made real: their own nginx block before two web processes."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/proxy.md"
NGINX = Path("/usr/sbin/nginx")
HOST = "blockline.example.org"
"""The name in the docs; the browser is told where it is."""


def needs_nginx() -> None:
    """Skip where there is no nginx, unless this machine is to have everything."""
    if NGINX.exists() and shutil.which("openssl"):
        return
    if os.environ.get("TEST_REQUIRE_BROWSER") == "1":
        raise RuntimeError(f"TEST_REQUIRE_BROWSER is set, and {NGINX} or openssl is missing.")
    pytest.skip(f"needs {NGINX} and openssl: the docs' reverse proxy is tried with the real one")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def web_process(
    dsn: str, environment: Mapping[str, str], folder: Path, most_files: int | None = None
) -> Generator[str]:
    """`blockline run --role web` in a process of its own, which may open `most_files`; yields its address."""
    port = free_port()
    ours = {k: v for k, v in os.environ.items() if not k.startswith("BLOCKLINE_")}
    settings = {"BLOCKLINE_DATABASE_URL": dsn, "BLOCKLINE_AUTH": "none", "BLOCKLINE_PORT": str(port)}
    limited = () if most_files is None else ("prlimit", f"--nofile={most_files}:{most_files}")
    with subprocess.Popen(
        [*limited, sys.executable, "-m", "jobs.cli.main", "run", "--role", "web"],
        cwd=folder,
        env={**ours, "PYTHONPATH": str(ROOT), **settings, **environment},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            said = ""
            while "Dashboard on" not in said:
                line = process.stderr.readline()
                assert line, f"the web process ended: {said}"
                said += line
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def documented(port: int, upstreams: tuple[str, str], folder: Path) -> str:
    """The block of the docs with the ports and files of this test, and around it what nginx wants besides."""
    found = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None, "docs/how-to/proxy.md has no nginx block"
    block = found[1]
    for old, new in (
        ("127.0.0.1:8050", upstreams[0].removeprefix("http://")),
        ("127.0.0.1:8051", upstreams[1].removeprefix("http://")),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/blockline.pem", f"{folder}/blockline.pem"),
        ("/etc/ssl/blockline.key", f"{folder}/blockline.key"),
    ):
        assert old in block, f"the nginx block of the docs no longer says {old}"
        block = block.replace(old, new)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{block}}}\n"
    )


@contextmanager
def proxied(dsn: str, folder: Path) -> Generator[tuple[str, tuple[str, str]]]:
    """The address through nginx, and those of the two processes behind it."""
    port = free_port()
    address = f"https://{HOST}:{port}"
    settings = {"BLOCKLINE_DASHBOARD_URL": address, "BLOCKLINE_TRUSTED_PROXIES": "127.0.0.1"}
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", folder / "blockline.key", "-out", folder / "blockline.pem", "-days", "2"),
            *("-subj", f"/CN={HOST}"),
        ],
        check=True,
        capture_output=True,
    )
    with ExitStack() as stack:
        one = stack.enter_context(web_process(dsn, settings, folder))
        other = stack.enter_context(web_process(dsn, settings, folder))
        (folder / "nginx.conf").write_text(documented(port, (one, other), folder))
        nginx = stack.enter_context(
            subprocess.Popen([NGINX, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"])
        )
        stack.callback(nginx.terminate)
        _wait_for(port, nginx)
        yield address, (one, other)


def _wait_for(port: int, nginx: subprocess.Popen[bytes]) -> None:
    while nginx.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError("nginx ended: it does not take the block of the docs")
