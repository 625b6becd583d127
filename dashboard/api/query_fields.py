"""A question is answered as it was asked or not at all: what it holds and nobody reads is refused.

Without that, a filter whose name is misspelt is left out without a word, and the answer taken for another.
"""

from typing import Any

from fastapi import Request

from dashboard.api.problem_responses import ApiInvalidField
from storage.model.text.states import clean


def only_known(request: Request) -> None:
    """Raises Unusable for a query field that the operation has not, or takes once and was given again."""
    path, method = request.scope["route"].path_format, request.method.lower()
    operation: dict[str, Any] = request.app.openapi()["paths"][path][method]
    known = {p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"}
    for name in request.query_params:
        if name not in known:
            takes = f"this address takes: {', '.join(known)}" if known else "this address takes none"
            raise ApiInvalidField(f"query.{clean(name)}", f"There is no such field; {takes}.")
        if len(request.query_params.getlist(name)) > 1 and not _takes_several(known[name]):
            raise ApiInvalidField(f"query.{name}", "This is given more than once, and one is taken.")


def _takes_several(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in (schema, *schema.get("anyOf", ())))
