"""Who asks: found out before anything else sees a request or a websocket, as one pure-ASGI wrapper."""

from dashboard.access import OPEN_DOOR, acting_as
from dashboard.headers import App, Receive, Scope, Send
from dashboard.settings import DashboardSettings
from storage.model.people import Actor


class Gate:
    """Wraps the dashboard's ASGI app. Dash's own hooks do not see websockets; this does."""

    def __init__(self, app: App, settings: DashboardSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        actor = Actor(OPEN_DOOR, self._settings.role)
        scope.setdefault("state", {})["actor"] = actor
        with acting_as(actor):
            await self._app(scope, receive, send)
