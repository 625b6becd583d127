"""The Alerts page: rules, decisions, incidents, deliveries, emails and their links.

It may import `auth`, `wire`, `feeds`, `sizing`, `asgi`, `ui` and `storage`.
Begin with `page.py`. It draws the page; `routes.py` acknowledges, mutes, sends again and changes rules.
"""
