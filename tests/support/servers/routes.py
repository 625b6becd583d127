"""What an app of the dashboard serves."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI


def routes(server: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and address of everything that an app serves, mounted apps included; "WS" for a websocket."""
    for route in server.routes:
        if hasattr(route, "original_router"):
            yield from routes(route.original_router, prefix)
        elif hasattr(route, "app") and not hasattr(route, "endpoint"):
            yield "GET", f"{prefix}{route.path}/x"
            yield from routes(route.app, prefix + route.path) if hasattr(route.app, "routes") else ()
        elif "WebSocket" in type(route).__name__:
            yield "WS", prefix + route.path
        else:
            for method in route.methods:
                yield method, prefix + route.path


def served_by(app: Any) -> FastAPI:
    while not isinstance(app, FastAPI):
        app = app._app
    return app
