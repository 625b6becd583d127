"""Pure: an HTTP answer of a simulator, faults included."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SimulatedReply:
    """An HTTP answer after `hang_s` real seconds; `cut` means none at all: the connection is cut then."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"
    cut: bool = False
    hang_s: float = 0.0
