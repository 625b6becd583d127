"""Tables made from the code: its folders, metrics, licences, views for SQL, operations of the API."""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import metadata
from typing import Any, Final

from packaging.requirements import Requirement
from prometheus_client.core import GaugeMetricFamily, Metric

from dashboard.asgi.process import WebProcess
from dashboard.health.prometheus_metrics import families, read_figures
from storage.postgres.pool import Conn, transaction
from tests.house.source import PACKAGES, ROOT, docstring, folders


def folders_markdown() -> str:
    """A row for each folder of the packages, with the first line of its docstring."""
    order = ("jobs", "collectors", "dashboard", "storage")
    assert set(order) == set(PACKAGES)
    found = sorted(folders(), key=lambda f: (order.index(f.relative_to(ROOT).parts[0]), f.relative_to(ROOT)))
    rows = [
        f"| `{folder.relative_to(ROOT)}/` | {docstring(folder / '__init__.py').splitlines()[0].rstrip('.')} |"
        for folder in found
        if folder.parent != ROOT
    ]
    return "\n".join(["| Folder | What lives there |", "| --- | --- |", *rows]) + "\n"


async def metrics(process: WebProcess) -> Sequence[Metric]:
    """All that Blockline itself declares, without those of the library about the process."""
    async with transaction(process.pool) as conn:
        return list(families(await read_figures(conn, process.clock(), process.settings), process))


def metrics_markdown(declared: Sequence[Metric]) -> str:
    """A row for each, with the names of its labels."""
    rows = [f"| `{one.name}` | {', '.join(_labels(one))} | {one.documentation} |" for one in declared]
    return "\n".join(["| metric | labels | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def _labels(metric: Metric) -> Sequence[str]:
    return metric._labelnames if isinstance(metric, GaugeMetricFamily) else ()


_BUILDING = {"editables", "hatchling", "trove-classifiers"}
"""They build the wheel, and are not needed by what is installed from it."""


def licences() -> Mapping[str, str]:
    """The licence of each package of requirements.txt that this machine needs, by the package's name."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in re.findall(r"^[a-z0-9._-]+==[^\\\n]*", lock, re.MULTILINE):
        package = Requirement(line)
        is_needed = package.marker is None or package.marker.evaluate()
        if is_needed and package.name not in _BUILDING:
            found[package.name] = _licence(package.name)
    return found


def licences_markdown() -> str:
    """A row for each package."""
    rows = [f"| {name} | {licence} |" for name, licence in licences().items()]
    return "\n".join(["| package | licence |", "| --- | --- |", *rows])


def _licence(name: str) -> str:
    said: Any = metadata(name)
    classified = [
        c.rpartition(" :: ")[2] for c in said.get_all("Classifier", []) if c.startswith("License ::")
    ]
    stated = said.get("License-Expression") or ", ".join(c for c in classified if c != "OSI Approved")
    return stated or (said.get("License") or "").splitlines()[0]


OF_ORDERS = ("orders", "order_accounts", "compliance", "engagements", "engagement_access", "deliveries")
"""The views of the second page; the first has the others."""


_TYPES = {"timestamp with time zone": "timestamptz", "bigint": "integer", "numeric": "integer"}


async def views(conn: Conn) -> dict[str, str]:
    """By view, a table of its columns, in the order in which the views were made."""
    rows = await conn.fetch(
        """
        select c.relname::text as name, obj_description(c.oid) as said,
            array(
                select array[a.attname::text, format_type(a.atttypid, null), col_description(c.oid, a.attnum)]
                from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 order by a.attnum
            ) as columns
        from pg_class c where c.relnamespace = 'blockline_read'::regnamespace and c.relkind = 'v'
        order by c.oid
        """
    )
    found: dict[str, str] = {}
    for view in rows:
        lines = [f"| `{name}` | {_TYPES.get(kind, kind)} | {said} |" for name, kind, said in view["columns"]]
        table = "\n".join(("| column | type | meaning |", "| --- | --- | --- |", *lines))
        found[view["name"]] = f"## {view['name']}\n\n{view['said']}\n\n{table}\n"
    return found


async def functions(conn: Conn) -> str:
    """A table of the functions."""
    rows = await conn.fetch(
        """
        select p.proname::text as name, pg_get_function_arguments(p.oid) as arguments,
            obj_description(p.oid, 'pg_proc') as said
        from pg_proc p where p.pronamespace = 'blockline_read'::regnamespace order by p.oid
        """
    )
    lines = [f"| `{f['name']}({_arguments(f['arguments'])})` | {f['said']} |" for f in rows]
    return "\n".join(("| function | meaning |", "| --- | --- |", *lines)) + "\n"


def _arguments(text: str) -> str:
    text = text.replace("timestamp with time zone", "timestamptz")
    return text.replace(" DEFAULT NULL::timestamptz", " = null")


READS: Final = ("get",)


WRITES: Final = ("post", "put", "patch", "delete")


Document = Mapping[str, Any]


def operations(document: Document, methods: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """ "GET /accounts" and its operation, for each that is not an earlier name of another."""
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            if method in methods and not operation.get("deprecated"):
                yield f"{method.upper()} {path}", operation


def operations_markdown(document: Document, methods: Sequence[str]) -> str:
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
