"""The Live page, which is part of the document itself; its data, and the push to open browsers."""

from functools import partial

from dash import ClientsideFunction, Input, Output, ctx
from dash.backends.ws import DashWebsocketCallback

from dashboard.asgi.process import WebProcess
from dashboard.asgi.websockets import AGAIN, calling_tab, current
from dashboard.live.figures import BOARD_FIGURES, CHANGE_FIGURES, MOMENT_FIGURES
from dashboard.live.push import Hub
from dashboard.live.routes import routes
from dashboard.live.snapshot_cache import LiveSnapshotCache
from dashboard.ui.pages import Drawing, Feature, Page, PageCallbacks, PageRequest, Place

ASK_EVERY = 20
"""Messages between two questions that the browser has to answer, so that a dead tab does not fill memory."""
ANSWER_WITHIN_S = 30.0
JUST_CONNECTED_S = 5.0
PATIENCE = 20
"""Unanswered questions before the push to a browser stops: ten minutes, as long as a frozen tab may sleep."""


def live(process: WebProcess) -> Feature:
    hub = Hub(process)
    boards = LiveSnapshotCache(process.pool, process.clock, process.settings, process.live_made)
    page = Page(
        path="",
        title="Live",
        help="how-to/live",
        read=_in_the_document,
        place=Place.HEADER,
        icon="live",
        callbacks=partial(_connect, hub),
    )
    return Feature(
        pages=(page,),
        routers=(routes(process, boards),),
        tasks=(hub.run, boards.run),
        figures=(CHANGE_FIGURES, BOARD_FIGURES, MOMENT_FIGURES),
    )


async def _in_the_document(_: PageRequest) -> Drawing | None:
    return None


def _connect(hub: Hub, app: PageCallbacks) -> None:
    """The page's own scripts, called by name so that the document contains no script; and the push."""
    app.clientside_callback(
        ClientsideFunction("blockline", "push"),
        Output("live-seen", "data"),
        Input("live-push", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("blockline", "poll"),
        Output("live-polled", "data"),
        Input("live-poll", "n_intervals"),
        prevent_initial_call=True,
    )

    @app.callback(websocket=True, persistent=True)
    async def push() -> None:  # pyright: ignore[reportUnusedFunction]
        socket, connection = ctx.websocket, current.get()
        if socket is None or connection is None:
            return
        with connection.pushing(calling_tab.get()), hub.subscribe() as queue:
            sent = 0
            while not socket.is_shutdown:
                socket.set_prop_sync("live-push", "data", await queue.get())
                sent += 1
                if sent % ASK_EVERY == 0 and not await _still_there(socket):
                    return

    @app.callback(Input("live-wake", "data"), websocket=True, prevent_initial_call=True)
    async def wake(_: object) -> None:  # pyright: ignore[reportUnusedFunction]
        """Restart the push for a page that receives nothing although its requests are answered.

        The request alone makes a browser reconnect that had stopped trying. If it is connected, the server
        had stopped the push: close the connection, so that the browser opens a new one.
        """
        socket = current.get()
        if socket is not None and socket.age_s > JUST_CONNECTED_S:
            socket.close(AGAIN)


async def _still_there(socket: DashWebsocketCallback) -> bool:
    for _ in range(PATIENCE):
        try:
            await socket.get_prop("live-seen", "data", timeout=ANSWER_WITHIN_S)
        except TimeoutError:
            continue
        return True
    return False
