"""What is put on a server: systemd units, the image, compose, the wheel, the locks, Grafana boards."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from jobs.config.settings import NAMES, PREFIX, SECRETS
from storage.health.conditions import note_run
from storage.postgres.migrate import grant_reading
from storage.postgres.pool import Pool, open_pool, transaction
from tests.house.source import PACKAGES, ROOT
from tests.jobs.cli.test_main import parse_line
from tests.support.clients.api import api_served
from tests.support.processes.programs import program
from tests.support.reference.generated_tables import licences
from tests.support.seeds.every_page import Everything
from tests.support.table_digests import as_role

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


PRIVATE = ("blockline.toml", ".env", "secrets/smtp_password", "data/pgdata", "monday.backup")


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(),
    reason="git is not installed, or this is no clone",
)
@pytest.mark.parametrize("name", PRIVATE)
def test_git_ignores_what_is_private(name: str) -> None:
    done = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", name], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_an_image_is_built_without_what_is_private() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"**/blockline.toml", "**/.env", "secrets", "data", "**/*.backup"} <= set(lines)


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    locks = sorted(ROOT.glob("requirements*.txt"))
    assert len(locks) == 7
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")
    text = (ROOT / "tests/js/package-lock.json").read_text()
    assert "://" not in text
    assert text.count('"node_modules/') == text.count('"integrity": "sha512-')


def test_every_part_states_a_licence_and_none_forbids_what_ours_allows() -> None:
    found = licences()
    assert len(found) > 90
    assert {name: licence for name, licence in found.items() if not licence or "GPL" in licence} == {}


def built(folder: Path, kind: str) -> Path:
    """The wheel or the sdist of this checkout, as `make dist` builds it."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1612137600"},
    )
    (file,) = folder.glob("blockline-*")
    return file


def test_the_wheel_holds_the_four_packages_with_their_files_and_no_tests(tmp_path: Path) -> None:
    names = zipfile.ZipFile(built(tmp_path, "wheel")).namelist()
    tops = {n.split("/")[0] for n in names if not n.startswith("blockline-")}
    assert tops == set(PACKAGES)
    data = {
        str(p.relative_to(ROOT))
        for package in PACKAGES
        for p in (ROOT / package).rglob("*")
        if p.suffix in {".html", ".txt", ".css", ".sql", ".mjs", ".js", ".svg", ".toml"}
    }
    assert len(data) > 100
    assert data <= set(names)
    helped = {
        f"dashboard/help/docs/{p.relative_to(ROOT / 'docs')}"
        for p in (ROOT / "docs").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert len(helped) > 100
    assert helped <= set(names)
    assert any(name.endswith("/share/man/man1/blockline.1") for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_of_a_commit_are_the_same_bytes(kind: str, tmp_path: Path) -> None:
    one, other = built(tmp_path / "one", kind), built(tmp_path / "other", kind)
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_the_wheel_works_away_from_this_checkout(dsn: str, tmp_path: Path) -> None:
    """Its dependencies are those that run this test. Nothing else of the checkout can be imported there."""
    home, own = tmp_path / "home", tmp_path / "own"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", own], check=True)
    wheel = built(tmp_path / "dist", "wheel")
    subprocess.run([own / "bin/pip", "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    (site,) = own.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "BLOCKLINE_DATABASE_URL": dsn}

    def ran(*arguments: str) -> str:
        command = [own / "bin/blockline", *arguments]
        return subprocess.run(
            command, cwd=home, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert ran("init").startswith(f"Wrote {home}/.config/blockline/blockline.toml.")
    assert json.loads(ran("where", "--json"))["settings"] == f"{home}/.config/blockline/blockline.toml"
    assert "no accounts watched" in ran("status")
    code = "import dashboard.help.documentation as d; assert d.topics(); print(d.__file__)"
    loaded = subprocess.run(
        [own / "bin/python", "-c", code], cwd=home, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.startswith(str(own))
    assert (own / "share/man/man1/blockline.1").is_file()


FOLDER = ROOT / "docs" / "how-to" / "grafana"
BOARD: dict[str, Any] = json.loads((FOLDER / "blockline.json").read_text())
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text())["groups"]
    for rule in group["rules"]
]


def targets(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The queries of one kind of data source, with the title of their panel."""
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            if kind in target["datasource"]["type"]:
                yield panel["title"], target


QUERIES = {
    **{title: str(target["rawSql"]) for title, target in targets("postgresql")},
    **{
        f"variable {one['name']}": str(one["query"])
        for one in BOARD["templating"]["list"]
        if one["type"] == "query"
    },
}
EXPRESSIONS = {
    **{f"{title} {target['refId']}": str(target["expr"]) for title, target in targets("prometheus")},
    **{str(rule["alert"]): str(rule["expr"]) for rule in RULES},
}
LONE_ROLE = "grafana_of_tests"


def as_sent(query: str, since: datetime, until: datetime) -> str:
    """The query as Grafana sends it: with its variables and macros replaced."""
    for name, value in {
        "${platform:sqlstring}": "'x','bluesky'",
        "${order:sqlstring}": "'SYN/1'",
        "$__timeFrom()": f"'{since.isoformat()}'",
        "$__timeTo()": f"'{until.isoformat()}'",
    }.items():
        query = query.replace(name, value)
    assert "$" not in query
    return query


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_runs_for_a_role_that_may_read_the_views_only(
    everything: Everything, pool: Pool, dsn: str, name: str
) -> None:
    story = everything.played.story
    async with transaction(pool) as conn:
        await conn.execute(f"create role {LONE_ROLE}")
    try:
        await grant_reading(dsn, LONE_ROLE)
        async with open_pool(as_role(dsn, LONE_ROLE), max_size=1) as client, transaction(client) as conn:
            rows = await conn.fetch(as_sent(QUERIES[name], story.start, story.now))
    finally:
        async with transaction(pool) as conn:
            await conn.execute(f"drop owned by {LONE_ROLE}; drop role {LONE_ROLE}")
    assert rows


async def test_every_metric_and_label_in_panels_and_rules_is_given_by_the_dashboard(
    everything: Everything, pool: Pool, dsn: str, now: datetime
) -> None:
    async with transaction(pool) as conn:
        await note_run(conn, now)
    async with api_served(pool, dsn, now) as api:
        scraped = list(text_string_to_metric_families((await api.send("GET", "/metrics")).text))
    labels = {family.name: {name for s in family.samples for name in s.labels} for family in scraped}
    values = {(n, v) for family in scraped for s in family.samples for n, v in s.labels.items()}
    assert len(EXPRESSIONS) >= 20
    for where, expression in EXPRESSIONS.items():
        named = re.findall(r"\b(blockline_\w+)(?:\{([^}]*)\})?", expression)
        assert named, where
        used: set[str] = set()
        for metric, matchers in named:
            assert metric in labels, where
            for label, choice in re.findall(r'(\w+)=~?"([^"]*)"', matchers):
                assert {(label, one) for one in choice.split("|")} <= values, where
            used |= labels[metric]
        grouped = {
            name.strip() for names in re.findall(r"\bby \(([^)]*)\)", expression) for name in names.split(",")
        }
        assert grouped <= used, where
