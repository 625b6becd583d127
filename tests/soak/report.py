# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""The files and the table of a soak: samples.csv, soak.html, summary.json."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots
from rich.console import Console
from rich.table import Table

from tests.soak.samples import HISTORY
from tests.soak.slopes import Trend, flat, linear

Row = Mapping[str, float]
DAYS = "day"
_TOTALS = frozenset({"readings", "mails", "changes"})
_MOST_PLOTTED = 12
_GAP = 0.3
"""Between two plots, as a share of the height that each would have without."""
_GROWING = frozenset({"partitions", "memory_mb web 1", "memory_mb web 2"})
"""What grows with the history, besides its tables: a dashboard keeps the whole of it ready for Replay."""


@dataclass(slots=True)
class SoakReport:
    """What a soak found."""

    samples: Sequence[Row]
    counts: dict[str, object]
    wrong: list[str] = field(default_factory=list[str])
    """What is false, lost or failed, each in a line."""
    said: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Warnings and errors that the processes logged, by process."""

    @property
    def trends(self) -> dict[str, tuple[str, Trend]]:
        """Each series that was judged: whether it had to be flat or linear, and what it did."""
        names = dict.fromkeys(name for row in self.samples for name in row)
        return {name: judged for name in names if (judged := judge(name, self.samples)) is not None}

    @property
    def is_right(self) -> bool:
        return not self.wrong and all(trend.is_fine for _, trend in self.trends.values())


_PAGES_KB = 512.0
"""Tables and indexes grow by pages and by the free space that they keep, so that less says nothing."""


def judge(name: str, samples: Sequence[Row]) -> tuple[str, Trend] | None:
    """Judge one series by its rule; None if it has none, or too few points."""
    if name == DAYS or name in _TOTALS:
        return None
    rows = [row for row in samples if name in row]
    values = [row[name] for row in rows]
    grows = name in _GROWING or name.partition(" ")[2] in HISTORY
    least = _PAGES_KB if name.startswith(("table_kb ", "index_kb ")) else 0.0
    trend = (linear if grows else flat)([row[DAYS] for row in rows], values, least)
    return None if trend is None else ("linear" if grows else "flat", trend)


def write_samples(folder: Path, samples: Sequence[Row]) -> None:
    names = list(dict.fromkeys(name for row in samples for name in row))
    with (folder / "samples.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, names)
        out.writeheader()
        out.writerows(samples)


def write(folder: Path, report: SoakReport) -> None:
    """Write the samples, the plots and the summary."""
    write_samples(folder, report.samples)
    trends = report.trends
    summary = {
        "is_right": report.is_right,
        **report.counts,
        "wrong": report.wrong,
        "said": report.said,
        "trends": {name: {"rule": rule, **asdict(trend)} for name, (rule, trend) in trends.items()},
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    _plots(report.samples, trends).write_html(folder / "soak.html", include_plotlyjs=True)


def _plots(samples: Sequence[Row], trends: Mapping[str, tuple[str, Trend]]) -> go.Figure:
    """One plot under another for each kind of series, with its largest series and those that failed."""
    failed = {name for name, (_, trend) in trends.items() if not trend.is_fine}
    last = {name: row[name] for row in samples for name in row}
    kinds: dict[str, list[str]] = {}
    for name in sorted(last, key=lambda n: (n not in failed, -last[n])):
        of_kind = kinds.setdefault(name.partition(" ")[0], [])
        if name in failed or len(of_kind) < _MOST_PLOTTED:
            of_kind.append(name)
    del kinds[DAYS]
    figure = make_subplots(
        rows=len(kinds), cols=1, subplot_titles=sorted(kinds), vertical_spacing=_GAP / len(kinds)
    )
    for row, kind in enumerate(sorted(kinds), 1):
        legend = f"legend{row}" if row > 1 else "legend"
        for name in sorted(kinds[kind]):
            label = name.partition(" ")[2] or name
            rows = [sample for sample in samples if name in sample]
            figure.add_trace(
                go.Scatter(
                    x=[sample[DAYS] for sample in rows],
                    y=[sample[name] for sample in rows],
                    name=f"{label}: not {trends[name][0]}" if name in failed else label,
                    mode="lines+markers",
                    legend=legend,
                    showlegend=True,
                    line={"width": 4 if name in failed else 1.5},
                    marker={"size": 4},
                ),
                row=row,
                col=1,
            )
        top = 1 - (row - 1) * (1 + _GAP / len(kinds)) / len(kinds)
        figure.update_layout({legend: {"y": top, "yanchor": "top", "font": {"size": 10}}})
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(title_text="simulated days", row=len(kinds), col=1)
    figure.update_layout(height=380 * len(kinds), width=1400, template="plotly_white", title="Soak")
    return figure


def show(report: SoakReport) -> None:
    """Print the table of what was judged, what is wrong, and the verdict."""
    console = Console(width=130)
    table = Table("Series", "Rule", "Last", "Growth", "Allowed", "Verdict", title="Soak")
    for name, (rule, trend) in report.trends.items():
        is_small = name.startswith(("table_kb", "index_kb")) and trend.is_fine
        if is_small:
            continue
        last = next(row[name] for row in reversed(report.samples) if name in row)
        verdict = rule if trend.is_fine else f"NOT {rule.upper()}"
        figures = (f"{figure:,.1f}" for figure in (last, trend.growth, trend.allowed))
        table.add_row(name, rule, *figures, verdict)
    sizes = [t for name, (_, t) in report.trends.items() if name.startswith(("table_kb", "index_kb"))]
    if report.trends:
        console.print(table)
        console.print(f"Tables and indexes as they must be: {sum(t.is_fine for t in sizes)} of {len(sizes)}")
    else:
        console.print("There were too few days to say what is flat.")
    for name, value in report.counts.items():
        console.print(f"{name}: {value}")
    for name, lines in report.said.items():
        errors = sum(" ERROR " in line for line in lines)
        console.print(f"{name} logged {errors} errors and {len(lines) - errors} warnings (summary.json).")
    for line in report.wrong:
        console.print(f"WRONG: {line}", style="red", markup=False)
    console.print("The soak passed." if report.is_right else "The soak did not pass.")
