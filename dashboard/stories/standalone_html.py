"""A story as one file for readers without a login: no script, nothing from elsewhere, light and dark."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from dashboard.orders.report_html import css_text
from dashboard.stories.chart_style import patterns, rules, variables
from dashboard.stories.content import StoryContent
from storage.model.text.states import clean

_templates = Environment(
    loader=PackageLoader("dashboard.stories"),
    autoescape=select_autoescape(enabled_extensions=("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def story_html(story: StoryContent, made_by: str) -> str:
    """The whole page. `made_by` names the program and its version."""
    content = {
        "story": story,
        "made_by": made_by,
        "page_line": css_text(f"Blockline story · {clean(story.title, 90)}"),
        "light": Markup(variables("light")),  # noqa: S704 - our own colours
        "dark": Markup(variables("dark")),  # noqa: S704
        "rules": Markup(rules()),  # noqa: S704
        "patterns": patterns(),
    }
    return _templates.get_template("story.html").render(content)
