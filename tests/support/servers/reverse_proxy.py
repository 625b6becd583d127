"""What the docs say about a reverse proxy, made real: their own blocks before two web processes."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.processes.programs import program
from tests.support.servers.ports import free_port

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/proxy.md"
HOST = "blockline.example.org"
"""The name in the docs; the browser is told where it is."""


@contextmanager
def web_process(
    dsn: str,
    environment: Mapping[str, str],
    folder: Path,
    most_files: int | None = None,
    port: int | None = None,
) -> Generator[str]:
    """`blockline run --role web` in a process of its own, which may open `most_files`; yields its address."""
    port = free_port() if port is None else port
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


def documented(proxy_name: str, replaced: Mapping[str, str]) -> str:
    """The block of the docs for a proxy, with the ports and files of this test."""
    found = re.search(rf"```{proxy_name}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None, f"docs/how-to/proxy.md has no {proxy_name} block"
    block = found[1]
    for old, new in replaced.items():
        assert old in block, f"the {proxy_name} block of the docs no longer says {old}"
        block = block.replace(old, new)
    return block


def nginx(port: int, upstreams: Mapping[str, str], folder: Path) -> list[str | Path]:
    """The command that runs nginx with the block of the docs. Around it is what nginx wants besides."""
    files = {f"/etc/ssl/blockline.{kind}": f"{folder}/blockline.{kind}" for kind in ("pem", "key")}
    block = documented("nginx", {"listen 443 ssl": f"listen 127.0.0.1:{port} ssl", **files, **upstreams})
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{block}}}\n"
    )
    return [program("nginx"), "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]


def caddy(port: int, upstreams: Mapping[str, str], folder: Path) -> list[str | Path]:
    """The command that runs Caddy with the block of the docs, and a certificate of the test."""
    name = f"{HOST} {{\n"
    certificate = f"    bind 127.0.0.1\n    tls {folder}/blockline.pem {folder}/blockline.key\n"
    block = documented("caddy", {name: f"{HOST}:{port} {{\n{certificate}", **upstreams})
    (folder / "Caddyfile").write_text(f"{{\n    admin off\n    auto_https disable_redirects\n}}\n{block}")
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]


PROXIES = {"nginx": nginx, "caddy": caddy}


@contextmanager
def proxied(proxy_name: str, dsn: str, folder: Path) -> Generator[str]:
    """The address through the proxy. Two processes are behind it."""
    with before(proxy_name, folder) as (address, one, other):
        settings = behind(address)
        with (
            web_process(dsn, settings, folder, port=one),
            web_process(dsn, settings, folder, port=other),
        ):
            yield address


def behind(address: str) -> dict[str, str]:
    """The settings of a web process behind the proxy at that address."""
    return {"BLOCKLINE_DASHBOARD_URL": address, "BLOCKLINE_TRUSTED_PROXIES": "127.0.0.1"}


@contextmanager
def before(proxy_name: str, folder: Path) -> Generator[tuple[str, int, int]]:
    """A proxy before two web processes that need not run: its address, and their ports."""
    program("openssl")
    port, one, other = free_port(), free_port(), free_port()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", folder / "blockline.key", "-out", folder / "blockline.pem", "-days", "2"),
            *("-subj", f"/CN={HOST}"),
        ],
        check=True,
        capture_output=True,
    )
    upstreams = {"127.0.0.1:8050": f"127.0.0.1:{one}", "127.0.0.1:8051": f"127.0.0.1:{other}"}
    with subprocess.Popen(
        PROXIES[proxy_name](port, upstreams, folder),
        env=os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
    ) as proxy:
        try:
            _wait_for(port, proxy)
            yield f"https://{HOST}:{port}", one, other
        finally:
            proxy.terminate()


def _wait_for(port: int, proxy: subprocess.Popen[bytes]) -> None:
    while proxy.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError("the proxy ended: it does not take the block of the docs")
