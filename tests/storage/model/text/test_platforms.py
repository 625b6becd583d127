"""docs/reference/platforms.md shows what the platforms declare, and which sites are not read."""

from pathlib import Path

from storage.model.text.platforms import markdown, unread_markdown

PAGE = Path(__file__).parents[4] / "docs/reference/platforms.md"


def between(mark: str) -> str:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    return rest.partition(f"<!-- /{mark} -->")[0]


def test_the_tables_of_the_documentation_are_what_is_declared() -> None:
    assert between("declared") == markdown()
    assert between("unread") == unread_markdown()
