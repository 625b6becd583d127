"""The documentation of `docs/`, drawn as pages of the dashboard: /help, /help/how-to/alerts and so on.

A wheel has it as `dashboard/help/docs`; in a clone it is the folder `docs`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from posixpath import join, normpath

from dash import html
from dash.development.base_component import Component
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from dashboard.ui.pages import Drawing

HERE = Path(__file__).parent
FOLDER = next(f for f in (HERE / "docs", HERE.parents[1] / "docs") if f.is_dir())
PARTS: Mapping[str, str] = {
    "tutorial": "Tutorial",
    "how-to": "How-to",
    "reference": "Reference",
    "explanation": "Explanation",
}
"""The folders of the documentation and their names."""

Content = list[Component | str]
_HEADING = re.compile(r"^(#{1,2}) (.+)$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_PLAIN: Mapping[str, Callable[[Content], Component]] = {
    "paragraph": html.P,
    "bullet_list": html.Ul,
    "ordered_list": html.Ol,
    "list_item": html.Li,
    "thead": html.Thead,
    "tbody": html.Tbody,
    "tr": html.Tr,
    "th": html.Th,
    "td": html.Td,
    "blockquote": html.Blockquote,
    "strong": html.Strong,
    "em": html.Em,
}
"""Elements that hold only others."""


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One page of the documentation."""

    name: str
    """Its place below the folder, without the ending: `how-to/alerts`."""
    title: str
    headings: Sequence[tuple[str, str]]
    """The headings of the second level, each with its anchor."""

    @property
    def address(self) -> str:
        return f"/help/{self.name}"


@cache
def help_pages() -> Mapping[str, HelpPage]:
    """Every page by its name, those of a part by their titles."""
    files = [file for part in PARTS for file in (FOLDER / part).glob("*.md")]
    found = [_page(file) for file in files]
    ranks = list(PARTS)
    found.sort(key=lambda page: (ranks.index(page.name.partition("/")[0]), page.title.casefold()))
    return {page.name: page for page in found}


def topics() -> Sequence[tuple[str, str]]:
    """What the search finds: the titles and second-level headings, each with its address."""
    return [
        topic
        for page in help_pages().values()
        for topic in (
            (page.title, page.address),
            *((f"{page.title}: {heading}", f"{page.address}#{anchor}") for heading, anchor in page.headings),
        )
    ]


def front_page() -> Component:
    """The list of all pages by part."""
    head = [
        html.H1("Help"),
        html.Span("The search (Ctrl K) finds these pages and their headings too.", className="muted"),
    ]
    cards = [
        html.Section([html.H2(title), html.Ul(_entries(part))], className="card help-part")
        for part, title in PARTS.items()
    ]
    return html.Div([html.Div(head, className="bar"), html.Div(cards, className="help-parts")])


def help_page(page: HelpPage) -> Component:
    """A page with the way to it above, and the other pages of its part below."""
    part = page.name.partition("/")[0]
    way = html.P([html.A("Help", href="/help"), f" › {PARTS[part]}"], className="help-way muted")
    others = [html.Summary(f"All pages: {PARTS[part]}"), html.Ul(_entries(part))]
    text = (FOLDER / f"{page.name}.md").read_text(encoding="utf-8")
    content = PageDrawing(page.name).content(SyntaxTreeNode(_MARKDOWN.parse(text)))
    article = html.Article([*content, html.Details(others, className="help-others")], className="card help")
    return html.Div([way, article])


def drawing(more: Sequence[str]) -> Drawing | None:
    """What draws the page of an address below /help; None if there is none."""
    if not more:
        return partial(front_page)
    page = help_pages().get("/".join(more))
    return None if page is None else partial(help_page, page)


def heading_anchor(heading: str) -> str:
    """The anchor of a heading, as in the documentation's site."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


class PageDrawing:
    """Draws the tokens of one page as components. Its links lead to pages of the dashboard."""

    def __init__(self, name: str) -> None:
        self._folder = name.rpartition("/")[0]

    def content(self, node: SyntaxTreeNode) -> Content:
        """Everything in a node."""
        return [part for child in node.children for part in self._drawn(child)]

    def _drawn(self, node: SyntaxTreeNode) -> Content:
        if node.type == "inline" or node.hidden:
            return self.content(node)
        if node.type == "html_block":  # a comment that marks a generated part
            return []
        return [self._one(node)]

    def _one(self, node: SyntaxTreeNode) -> Component | str:
        match node.type:
            case "text":
                return node.content
            case "softbreak":
                return " "
            case "html_inline":
                return html.Br() if node.content == "<br>" else node.content
            case "hardbreak":
                return html.Br()
            case "heading":
                element = {"h1": html.H1, "h2": html.H2, "h3": html.H3}.get(node.tag, html.H4)
                return element(self.content(node), id=heading_anchor(_words(node)))
            case "table":
                return html.Div(html.Table(self.content(node)), className="help-table", tabIndex="0")
            case "fence" | "code_block":
                return html.Pre(html.Code(node.content), tabIndex="0")
            case "code_inline":
                return html.Code(node.content)
            case "link":
                return html.A(self.content(node), href=self.link(str(node.attrs["href"])))
            case "image":
                return html.Img(src=self.file(str(node.attrs["src"])), alt=node.content)
            case _:
                return _PLAIN[node.type](self.content(node))

    def link(self, target: str) -> str:
        """The address of a link: a page below /help, a file beside the pages, or elsewhere as it is."""
        if "://" in target or target.startswith("#"):
            return target
        path, hashtag, rest = target.partition("#")
        if not path.endswith(".md"):
            return self.file(path)
        name = self._within(path).removesuffix(".md")
        return ("/help" if name == "index" else f"/help/{name}") + hashtag + rest

    def file(self, target: str) -> str:
        """The address of a picture or of another file of the documentation."""
        return f"/help-files/{self._within(target)}"

    def _within(self, target: str) -> str:
        return normpath(join(self._folder, target))


def _page(file: Path) -> HelpPage:
    """Its headings are found without parsing the page: every start of the dashboard reads all pages."""
    text = _FENCED.sub("", file.read_text(encoding="utf-8"))
    found = [(mark, words.replace("`", "")) for mark, words in _HEADING.findall(text)]
    title = next(words for mark, words in found if mark == "#")
    name = file.relative_to(FOLDER).as_posix().removesuffix(".md")
    return HelpPage(name, title, [(words, heading_anchor(words)) for mark, words in found if mark == "##"])


def _words(node: SyntaxTreeNode) -> str:
    """The text of a heading, without what marks code."""
    return "".join(leaf.content for leaf in node.walk() if leaf.type in {"text", "code_inline"})


def _entries(part: str) -> list[Component]:
    pages = [page for page in help_pages().values() if page.name.startswith(f"{part}/")]
    return [html.Li(html.A(page.title, href=page.address)) for page in pages]
