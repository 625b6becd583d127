"""The page of causes and what is done with them. Their cards stand on the pages of accounts and orders."""

from functools import partial

from dashboard.asgi.process import WebProcess
from dashboard.causes.page import connect_causes_page, read_causes
from dashboard.causes.routes import LARGEST_FORMS, WRITE_CAUSES, cause_page_routes
from dashboard.ui.pages import Feature, Page, PageAction, Place


def causes(process: WebProcess) -> Feature:
    page = Page(
        path="causes",
        title="Causes",
        help="how-to/causes",
        read=read_causes,
        place=Place.NOWHERE,
        under="orders",
        actions=(PageAction("Import causes", "/causes#import", WRITE_CAUSES),),
        callbacks=partial(connect_causes_page, process),
    )
    routes = cause_page_routes(process.pool, process.clock)
    return Feature(pages=(page,), routers=(routes,), largest=LARGEST_FORMS)
