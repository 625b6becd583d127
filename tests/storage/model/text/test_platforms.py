"""docs/platforms.md shows what the platforms declare."""

from pathlib import Path

from storage.model.text.platforms import markdown

PAGE = Path(__file__).parents[4] / "docs" / "platforms.md"


def test_the_table_of_the_documentation_is_what_the_platforms_declare() -> None:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- declared -->\n")
    assert rest.partition("<!-- /declared -->")[0] == markdown()
