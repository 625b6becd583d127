"""The command line as a user meets it: exit code, what it says, what it complains of."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.cli.main import cli, exit_code

HISTORY = """platform,account_id,handle,at,status,withheld_in,list
x,1001,alpha,2021-02-01T00:00:00Z,withheld,IN TR,L
x,1002,Beta,2021-02-01T00:00:00Z,available,,L
x,1003,gamma,2021-02-01T00:00:00Z,suspended,,L
x,1004,delta,2021-02-01T00:00:00Z,deactivated,,L
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> list[str]:
        return self.out.splitlines()

    @property
    def complaints(self) -> list[str]:
        return self.err.splitlines()


Blockline = Callable[..., Ran]


def forget_settings(environment: pytest.MonkeyPatch, folder: Path) -> None:
    """No setting of whoever runs the tests, and a folder without a blockline.toml."""
    for name in [name for name in os.environ if name.startswith("BLOCKLINE_")]:
        environment.delenv(name)
    environment.chdir(folder)


def blockline(capsys: pytest.CaptureFixture[str]) -> Blockline:
    """Runs the commands in this process: the same entry as the console script, without its start."""

    def ran(*arguments: object) -> Ran:
        capsys.readouterr()
        try:
            code = exit_code(lambda: cli([str(a) for a in arguments]))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return ran


def console(*arguments: object, **settings: str) -> Ran:
    """Runs the console script in a process of its own."""
    done = subprocess.run(
        [Path(sys.executable).parent / "blockline", *map(str, arguments)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
