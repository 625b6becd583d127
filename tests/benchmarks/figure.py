"""One measured figure."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    better: Better
    reference: float | None = None
    """The same job done in the plainest way, measured in the same run; None where there is no such thing."""

    def as_json(self, group: str) -> dict[str, object]:
        return {
            "group": group,
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "better": self.better,
            "reference": None if self.reference is None else round(self.reference, 3),
            "ratio": None if not self.reference else round(self.value / self.reference, 3),
        }
