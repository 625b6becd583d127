"""The Settings page: own sessions and tokens; for admins also people and the audit log.

It may import `auth`, `wire`, `feeds`, `sizing`, `asgi`, `ui` and `storage`.
Begin with `page.py`. It draws the page; `routes.py` changes passwords, roles, sessions and tokens.
"""
