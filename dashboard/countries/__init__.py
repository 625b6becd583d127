"""The Countries pages: withheld accounts by country, and published figures of demands.

It may import `auth`, `wire`, `feeds`, `sizing`, `asgi`, `ui` and `storage`.
Begin with `countries_page.py`. It draws one row per country; `published_page.py` sets published figures
beside what was observed.
"""
