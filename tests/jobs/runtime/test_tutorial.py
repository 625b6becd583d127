"""The tutorial, done as it is written: its files, its commands, and what they print.

Guards `docs/tutorial` and `jobs/cli`.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tests.support.clients.command_line import forget_settings
from tests.support.servers.ports import free_port

PAGES = ("first-alert", "first-order", "first-replay")
READY = {"simulate": "Press Ctrl-C to stop.", "run": "Dashboard on "}
"""What a command prints that stays until it is stopped, once others can rely on it."""
PATIENCE_S = 300
"""A guard against hanging: how long a command is repeated until it prints what the page shows."""
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """A block of a page: a file, commands for the first terminal, or a command that stays in another one."""

    language: str
    title: str
    text: str
    shown: str
    """The block of text below commands: lines of what they print, where "…" stands for anything."""


def steps(page: str) -> Iterator[Step]:
    blocks = _BLOCK.findall((ROOT / f"docs/tutorial/{page}.md").read_text())
    for (language, title, text), (after, titled, shown) in zip(
        blocks, [*blocks[1:], ("", "", "")], strict=True
    ):
        if language != "text" or title:
            yield Step(language, title, text, shown if after == "text" and not titled else "")


def is_in(line: str, printed: str) -> bool:
    """Whether a line of a page is printed, spaces and frames of tables aside."""
    pattern = ".*?".join(re.escape(" ".join(part.split())) for part in line.split("…"))
    return re.search(pattern, " ".join(re.sub(r"[│┃]", " ", printed).split())) is not None


def follow(script: str, shown: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Run commands in a shell. What a page shows may need readings that are not made yet."""
    end = time.monotonic() + PATIENCE_S
    while True:
        done = subprocess.run(
            ["bash", "-ec", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stderr}"
        missing = [line for line in shown.splitlines() if not is_in(line, done.stdout)]
        if not missing:
            return
        assert time.monotonic() < end, f"{script} does not print {missing}, but:\n{done.stdout}"
        time.sleep(5)


@contextmanager
def staying(command: str, folder: Path, environment: Mapping[str, str]) -> Generator[None]:
    """A command in a terminal of its own; it is stopped with the block."""
    _, name, *_ = command.split()
    with (folder.parent / f"{name}.log").open("w+") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            while READY[name] not in (printed := Path(log.name).read_text()):
                assert process.poll() is None, printed
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder that the user of the embedded Postgres can enter."""
    with tempfile.TemporaryDirectory(prefix="blockline-tutorial-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.long
def test_the_tutorial_can_be_followed_to_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch, folder)
    port = str(free_port())
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BLOCKLINE_PORT": str(free_port()),
        "COLUMNS": "200",
    }
    made = folder / "first-alert"
    done = 0
    with ExitStack() as terminals:
        for step in (step for page in PAGES for step in steps(page)):
            text = step.text.replace("8060", port)
            if step.title.endswith("terminal"):
                terminals.enter_context(staying(text.strip(), made, environment))
            elif step.title:
                (made / step.title).write_text(text)
            else:
                follow(
                    text,
                    step.shown.replace("8060", port),
                    made if made.exists() else folder,
                    environment,
                )
            done += 1
    assert done > 20
