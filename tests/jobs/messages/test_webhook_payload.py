"""What a webhook is told: the published schema holds for it, and it says no more than was seen."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from jobs.alerting.policy import AlertGroup
from jobs.messages.webhook_payload import payload
from storage.model.alerts.alerts import ListStatus

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent.parent.parent / "docs/reference/webhook.schema.json").read_text()
)
_TYPES: Mapping[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_UNDERSTOOD = {
    *("$schema", "$defs", "title", "description", "format"),
    *("$ref", "anyOf", "type", "const", "enum", "pattern", "required", "properties", "additionalProperties"),
    "items",
}


def faults(value: Any, schema: Mapping[str, Any], at: str = "$") -> list[str]:
    """Where a value is not what the part of JSON Schema that our schema uses asks for."""
    assert set(schema) <= _UNDERSTOOD
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "anyOf" in schema:
        tried = [faults(value, one, at) for one in schema["anyOf"]]
        return [] if [] in tried else tried[-1]
    found: list[str] = []
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        if type(value) not in {_TYPES[kind] for kind in kinds}:
            return [f"{at}: {value!r} is no {kinds}"]
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{at}: {value!r} is not allowed")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} is not of the form")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) == set(known)
        members = cast("dict[str, Any]", value)
        found += [f"{at}: {name} is missing or not known" for name in known.keys() ^ members]
        for name in known.keys() & members:
            found += faults(members[name], known[name], f"{at}.{name}")
    if isinstance(value, list):
        for n, item in enumerate(cast("list[Any]", value)):
            found += faults(item, schema["items"], f"{at}[{n}]")
    return found


def told(wave: AlertGroup, standing: ListStatus | None = None, **other: Any) -> str:
    facts: dict[str, Any] = {
        "message_id": "<1@blockline.invalid>",
        "headline": "2 accounts withheld in India (IN)",
        "synthetic": False,
        "url": "http://127.0.0.1:8050",
    }
    return payload(wave, standing, **(facts | other))
