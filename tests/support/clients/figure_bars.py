"""What the bars of a figure of plotly show."""

from datetime import UTC, datetime, timedelta
from typing import Any


def spans(trace: Any) -> list[tuple[datetime, datetime]]:
    """Begin and end of each bar of a trace."""
    begins = [at.item().replace(tzinfo=UTC) for at in trace.base]
    return [(at, at + timedelta(milliseconds=float(ms))) for at, ms in zip(begins, trace.x, strict=True)]
