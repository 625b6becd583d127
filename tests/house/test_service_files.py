"""What starts Blockline on a server: units of systemd, the image, compose; checked without an engine."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.config.settings import NAMES, PREFIX, SECRETS
from tests.house.source import PACKAGES, ROOT
from tests.jobs.cli.test_main import parse_line
from tests.support.processes.programs import program

UNITS = sorted((ROOT / "docs/how-to/service").iterdir())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}
"""The services that run Blockline."""


def command_lines() -> list[list[str]]:
    """Those of the units, the image and compose, each behind the program."""
    found = [
        line
        for unit in UNITS
        for line in re.findall(
            r"^ExecStart=/opt/blockline/bin/blockline (.*)$", unit.read_text(), re.MULTILINE
        )
    ]
    found += re.findall(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    found += [" ".join(one["command"]) for one in OURS.values()]
    words = [re.sub(r'[\[\]",]', "", line) for line in found]
    return [
        shlex.split(command.removeprefix("sh -c ").removeprefix("exec ").removeprefix("blockline "))
        for line in words
        for command in line.split(" && ")
    ]


def test_every_command_line_can_be_parsed() -> None:
    assert len(command_lines()) == 6
    for line in command_lines():
        parse_line(line)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """The program and the user of the page are not on this machine; those that run the test are."""
    ours = Path(sys.executable).with_name("blockline")
    for unit in UNITS:
        text = unit.read_text().replace("/opt/blockline/bin/blockline", str(ours))
        (tmp_path / unit.name).write_text(text.replace("User=blockline", "User=nobody"))
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = [line for line in done.stderr.splitlines() if "Special user nobody" not in line]
    assert (done.returncode, wrong) == (0, [])


def test_the_image_gets_what_the_build_copies_and_nothing_else() -> None:
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for name in line.split()
    }
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert copied == let_through
    assert set(PACKAGES) < copied
    assert all(list(ROOT.glob(name)) for name in copied)


def test_settings_and_secrets_of_compose_exist() -> None:
    known = {PREFIX + name.upper() for name in NAMES} | {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    text = (ROOT / "docker-compose.yml").read_text()
    named = set(re.findall(r"\bBLOCKLINE_[A-Z_]+", text))
    assert len(named) > 3
    assert named <= known
    for name, one in COMPOSE["services"].items():
        assert set(one.get("secrets", ())) <= COMPOSE["secrets"].keys(), name
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if "/" in source else source in COMPOSE["volumes"], name


def test_compose_sets_nothing_that_a_mounted_file_could_not_change() -> None:
    for one in OURS.values():
        assert set(one["environment"]) == {"BLOCKLINE_DATABASE_URL_FILE"}


def test_containers_of_ours_may_do_nothing_that_they_need_not() -> None:
    for one in OURS.values():
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
    users = re.findall(r"^USER (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["blockline", "root", "blockline"], "the last of each stage"


@pytest.mark.parametrize("profile", ["workers", "mailbox", "observability"])
def test_compose_takes_the_file_in_every_profile(profile: str) -> None:
    command = [
        program("docker-compose"),
        "--file",
        ROOT / "docker-compose.yml",
        "--profile",
        profile,
        "config",
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
