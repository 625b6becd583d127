"""The documentation names what is there, says what the code says, and uses one word for one thing."""

import re
import subprocess
import tomllib
from datetime import datetime
from pathlib import Path

import pytest

from dashboard.asgi.process import WebProcess
from jobs.cli.main import SUMMARIES
from jobs.config.settings import NAMES, settings_from
from storage.model.text.glossary import markdown
from storage.postgres.pool import Pool, transaction
from tests.house.source import ROOT
from tests.house.user_facing import Sentence, sentences
from tests.support.reference import command_pages, settings_table
from tests.support.reference.pages import names_in, parts, with_parts, written
from tests.support.servers.dashboard import SETTINGS

PAGES = sorted((ROOT / "docs").rglob("*.md"))
_NAMED = re.compile(r"\bdocs/[\w/.-]+\.(?:md|png|svg|json|css)\b")
_LINK = re.compile(r"\]\((?!\w+://)([^)#\s]+)?(#[^)\s]+)?\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def texts() -> dict[str, str]:
    """Every file of the project that is text, by its name."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    endings = {".py", ".md", ".yml", ".html", ".mjs", ".toml", ".sql", ""}
    return {
        name: (ROOT / name).read_text(errors="replace")
        for name in listed
        if Path(name).suffix in endings and (ROOT / name).is_file()
    }


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub and MkDocs make them."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE
    )
    return {"#" + re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", h.lower()).strip()) for h in headings}


def test_what_names_a_file_of_the_documentation_names_one_that_is_there() -> None:
    named = {(file, name) for file, text in texts().items() for name in _NAMED.findall(text)}
    assert len(named) > 50
    written = {"docs/reference/faults.md"}  # by make test-faults
    assert sorted(one for one in named if one[1] not in written and not (ROOT / one[1]).exists()) == []


def test_a_link_leads_to_a_page_and_a_heading_that_are_there() -> None:
    broken: list[str] = []
    pages = [
        *PAGES,
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    ]
    for page in pages:
        for path, anchor in _LINK.findall(_CODE.sub("", page.read_text())):
            target = (page.parent / path) if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(ROOT)}: {path}{anchor}")
    assert broken == []


@pytest.fixture
def process(pool: Pool, dsn: str, now: datetime) -> WebProcess:
    return WebProcess(pool, lambda: now, dsn, SETTINGS)


async def test_the_pages_are_what_the_code_says(process: WebProcess) -> None:
    """`python -m tests.support.reference` writes them again."""
    generated = await parts(process)
    stored = written()
    assert sorted(name for text in stored.values() for name in names_in(text)) == sorted(generated)
    assert [path.name for path, text in stored.items() if with_parts(text, generated) != text] == []


def test_the_manual_page_is_what_the_code_says() -> None:
    assert command_pages.FILE.read_text(encoding="utf-8") == command_pages.manual()
    assert [name for name in SUMMARIES if f"\n.B {name}\n" not in command_pages.manual()] == []


def test_every_setting_has_a_meaning_and_an_example_that_is_accepted() -> None:
    assert set(settings_table.fields()) == set(settings_table.meanings()) == NAMES
    assert list(settings_table.examples()) == list(settings_table.fields())
    for name, line in settings_table.examples().items():
        settings_from({name: tomllib.loads(line)[name]})


SQL_PAGES = [ROOT / "docs/reference/sql-accounts.md", ROOT / "docs/reference/sql-orders.md"]


async def test_the_pages_have_every_view_and_every_column(pool: Pool) -> None:
    rows = await pool.fetch(
        "select table_name::text, column_name::text from information_schema.columns "
        "where table_schema = 'blockline_read'"
    )
    text = "\n".join(page.read_text() for page in SQL_PAGES)
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    listed = {
        (view, column)
        for view, section in sections.items()
        for column in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    }
    assert len({view for view, _ in listed}) == 11
    assert len(listed) > 100
    assert listed == {(r["table_name"], r["column_name"]) for r in rows}


async def test_every_example_runs(pool: Pool) -> None:
    examples = [
        query
        for block in re.findall(r"```sql\n(.*?)```", (ROOT / "docs/how-to/sql.md").read_text(), re.DOTALL)
        for query in block.split(";")
        if query.strip()
    ]
    assert len(examples) >= 3
    async with transaction(pool) as conn:
        for query in examples:
            await conn.fetch(query)


async def test_every_table_and_view_has_a_comment_and_each_of_their_columns(pool: Pool) -> None:
    rows = await pool.fetch(
        """
        select concat_ws('.', c.relname, a.attname) as what
        from pg_class c
        left join lateral (
            select null as attname, 0 as attnum
            union all
            select attname, attnum from pg_attribute
            where attrelid = c.oid and attnum > 0 and not attisdropped
        ) a on true
        where c.relnamespace in (current_schema()::regnamespace, 'blockline_read'::regnamespace)
            and c.relkind in ('r', 'p', 'v', 'm', 'c')
            and not c.relispartition and not (c.relkind = 'c' and a.attnum = 0)
            and col_description(c.oid, a.attnum) is null
        order by 1
        """
    )
    assert [r["what"] for r in rows] == []


async def test_every_function_and_type_has_a_comment(pool: Pool) -> None:
    rows = await pool.fetch(
        """
        select p.oid::regprocedure::text as what from pg_proc p
        where p.pronamespace in (current_schema()::regnamespace, 'blockline_read'::regnamespace)
            and obj_description(p.oid, 'pg_proc') is null
            and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
        """
    )
    assert [r["what"] for r in rows] == []


WRITE = {
    r"told|tells?|telling": "notified, sent, reported, shown, recorded; tell apart: distinguish",
    r"waves?": "group of changes",
    r"round-ups?": "catch-up digest",
    r"detectors?": "collector",
    r"troubles?": "issue, condition",
    r"stands|stood": "status, is",
    r"ceilings?": "daily cost limit, limit",
    r"promise[sd]?": "guaranteed interval, guaranteed",
    r"chores?": "maintenance task",
    r"(?:take|takes|taken|took|taking) on": "acknowledge",
    r"(?:give|gives|given|gave) up": "failed permanently, dead letter, stopped",
    r"on file|on record": "stored, recorded",
    r"anew": "again",
    r"reckon(?:s|ed|ing)?": "estimate, count",
    r"decid(?:e|es|ed|ing) again": "re-evaluate with other rules",
    r"whoever": "the person or the program that is meant",
    r"out of turn|its turn": "scheduled read",
    r"(?<!there )is no (?!longer\b|more\b|later\b|earlier\b|less\b|fewer\b|other\b)": "is not a",
}
"""A word of ours that no reader knows, and what to write instead."""

EXCEPTIONS = {
    "round-up, ": "the end of a subject, by which a stored catch-up digest is recognised",
    "X does not tell a deactivated account from a deleted one": "evidence packs verify it",
    "hashes and tell nothing of them.": "evidence packs of format 1 verify it",
    "reading of a list promised": "an action in the audit log",
}
"""A phrase that may be written, and why."""

FROZEN = {"jobs/evidence/templates/pack_1.html", "jobs/evidence/templates/pack_1.txt"}
"""Words of an earlier format of evidence packs: a pack with them has to verify as it is."""

_PRIVATE = re.compile(rf"\b(?:{'|'.join(WRITE)})\b", re.IGNORECASE)


def _private(sentence: Sentence) -> str | None:
    text = sentence.text
    for phrase in EXCEPTIONS:
        text = text.replace(phrase, "")
    found = _PRIVATE.search(text)
    return found and found[0]


def test_whoever_reads_it_knows_the_word() -> None:
    wrong = [(s, word) for s in sentences() if s.file not in FROZEN and (word := _private(s))]
    assert not wrong, "\n".join(f"{s.file}:{s.line}: {word!r} in {s.text[:120]!r}" for s, word in wrong)


def test_the_page_lists_every_term_of_the_interface() -> None:
    assert Path(ROOT / "docs/reference/glossary.md").read_text() == markdown()
