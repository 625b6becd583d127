"""How the figures of a story look: their colours, hatches and signs, light and dark."""

from urllib.parse import quote

from markupsafe import Markup

from dashboard.ui.chart_style import FILL, PALETTES, PATTERN, SUSPENDED_DARK, Palette, Theme
from dashboard.ui.svg import hatch
from storage.model.core.availability import Status

SIGNS = {
    Status.WITHHELD: "Withheld",
    Status.SUSPENDED: "Suspended",
    Status.NOT_FOUND: "Gone: not found, deactivated, or deleted",
    Status.PROTECTED: "Protected by its owner",
    Status.AVAILABLE: "Available",
}
"""What is drawn, in the order in which it is stacked: blocks at the bottom."""
HATCHED = [status for status in SIGNS if PATTERN[status]]
DRAWN_AS = {status: status for status in SIGNS} | {Status.DEACTIVATED: Status.NOT_FOUND}


def variables(theme: Theme) -> str:
    """The colours of a theme, as custom properties of a style sheet."""
    palette = PALETTES[theme]
    values = {
        "page": "#f5f5f2" if theme == "light" else "#121316",
        "card": palette.card,
        "ink": palette.ink,
        "ink2": palette.ink2,
        "line": palette.line,
        "frame": "#B0B3BA" if theme == "light" else "#54575E",
        "link": "#3B5BDB" if theme == "light" else "#91A7FF",
        **_colours(theme, palette),
    }
    return "".join(f"--{name}:{value};" for name, value in values.items())


def _colours(theme: Theme, palette: Palette) -> dict[str, str]:
    out = {"window": palette.window}
    for status in SIGNS:
        fill, edge, dark_edge = FILL[status]
        if theme == "dark" and status is Status.SUSPENDED:
            fill = SUSPENDED_DARK
        out[status.value] = fill
        out[f"{status.value}-edge"] = edge if theme == "light" else dark_edge
    return out


def rules() -> str:
    """What the parts of a figure look like, by their classes."""
    out = [
        "svg text{font-size:11px;fill:var(--ink)}",
        ".soft-text{fill:var(--ink2)}",
        ".grid{stroke:var(--line);stroke-width:1}",
        ".frame{fill:none;stroke:var(--frame);stroke-width:1}",
        ".moment{stroke:var(--ink);stroke-width:1.5}",
        ".mark{stroke:var(--ink2);stroke-width:1;stroke-dasharray:2 2}",
        ".dot{fill:var(--card);stroke:var(--ink);stroke-width:1.2}",
        ".s-window{fill:url(#s-p-window);stroke:var(--window);stroke-width:.3}",
        ".s-pending{fill:none;stroke:var(--withheld-edge);stroke-width:1.2;stroke-dasharray:3 2}",
        ".s-unread{fill:url(#s-p-unread);stroke:none}",
        ".s-available{fill:var(--available-edge)}",
        ".s-available.area{fill:var(--available);fill-opacity:.4}",
        ".bar-block{fill:url(#s-p-withheld);stroke:var(--withheld-edge);stroke-width:.6}",
        ".bar-restoration{fill:var(--available);stroke:var(--available-edge);stroke-width:.6}",
    ]
    for status in HATCHED:
        name = status.value
        out.append(f".s-{name}{{fill:url(#s-p-{name});stroke:var(--{name}-edge);stroke-width:.3}}")
    return "".join(out)


def patterns() -> Markup:
    """The hatches, once for a page: on grey paper they tell colours apart."""
    out = [hatch("s-p-window", "none", "var(--window)", "/")]
    for status in HATCHED:
        stroke = f"var(--{status.value}-edge)" if status is Status.NOT_FOUND else "var(--card)"
        out.append(hatch(f"s-p-{status.value}", f"var(--{status.value})", stroke, PATTERN[status]))
    out.append(
        '<pattern id="s-p-unread" width="4" height="4" patternUnits="userSpaceOnUse">'
        '<path d="M0 1H4" style="stroke:var(--ink2)" stroke-width="0.8"/></pattern>'
    )
    return Markup(f"<defs>{''.join(out)}</defs>")  # noqa: S704 - made of our own names and numbers


def alone(figure: Markup, theme: Theme) -> str:
    """A figure as an image that needs nothing else, as the address of its data."""
    style = f"<style>svg{{{variables(theme)}font-family:sans-serif}}{rules()}</style>"
    drawn = str(figure).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    head, _, rest = drawn.partition(">")
    return f"data:image/svg+xml,{quote(f'{head}>{style}{patterns()}{rest}', safe=' =:/;,()')}"
