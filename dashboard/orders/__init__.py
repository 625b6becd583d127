"""The Orders pages and the report on an order: compliance, restoration, claims and names.

It may import `auth`, `wire`, `feeds`, `sizing`, `asgi`, `ui` and `storage`.
Begin with `facts.py`. It computes everything that is said about an order, for page, API and
report alike. `order_page.py` draws the page, `report_html.py` writes the report.
"""
