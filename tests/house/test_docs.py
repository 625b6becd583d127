"""The documentation is in four parts, in pages that can be read at once, and what names a page names one."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.house.source import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))
MOST_WORDS = 2500
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


def test_each_page_is_in_one_of_the_four_parts_and_in_the_navigation() -> None:
    names = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES]
    parts = Counter(name.rpartition("/")[0] for name in names)
    assert set(parts) == {"", "tutorial", "how-to", "reference", "explanation"}
    assert parts[""] == 1
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert sorted(re.findall(r"\S+\.md", navigation)) == names


def test_a_name_is_that_of_one_page() -> None:
    assert [name for name, n in Counter(page.name for page in PAGES).items() if n > 1] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_no_more_words_than_are_read_at_once(page: Path) -> None:
    assert len(page.read_text().split()) <= MOST_WORDS


def test_the_readme_is_read_in_four_minutes() -> None:
    assert 600 <= len((ROOT / "README.md").read_text().split()) <= 800


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
