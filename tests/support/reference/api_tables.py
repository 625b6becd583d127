"""The operations of the HTTP API as tables, from its OpenAPI document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

READS: Final = ("get",)
WRITES: Final = ("post", "put", "patch", "delete")
Document = Mapping[str, Any]


def operations(document: Document, methods: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """ "GET /accounts" and its operation, for each that is not an earlier name of another."""
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            if method in methods and not operation.get("deprecated"):
                yield f"{method.upper()} {path}", operation


def markdown(document: Document, methods: Sequence[str]) -> str:
    """A table for each subject, then one of the fields in addresses."""
    subjects: dict[str, list[str]] = {}
    fields: dict[str, dict[str, None]] = {}
    for request, operation in operations(document, methods):
        given = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
        for one in given:
            fields.setdefault(one["name"], {})[" ".join(one.get("description", "").split())] = None
        names = [f"`{name}`" for name in (*(one["name"] for one in given), *_body(document, operation))]
        effect = " ".join(operation["description"].split())
        subjects.setdefault(operation["tags"][0], []).append(
            f"| `{request}` | {effect} | {', '.join(names)} |"
        )
    lines: list[str] = []
    for subject, rows in subjects.items():
        head = ("| request | effect | fields |", "| --- | --- | --- |")
        lines += [f"## {subject.replace('-', ' ').capitalize()}", "", *head, *rows, ""]
    lines += ["## Fields in addresses", "", "| field | meaning |", "| --- | --- |"]
    lines += [f"| `{name}` | {' '.join(sorted(said))} |" for name, said in sorted(fields.items())]
    return "\n".join(lines) + "\n"


def _body(document: Document, operation: Mapping[str, Any]) -> list[str]:
    """The names of the fields of the JSON object that an operation takes; empty if it takes none."""
    content = operation.get("requestBody", {}).get("content", {})
    named = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    return list(document["components"]["schemas"].get(named, {}).get("properties", {}))
