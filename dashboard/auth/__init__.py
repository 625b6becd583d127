"""Login and permission: passwords, OpenID Connect, sessions, tokens and signed links.

It may import `asgi`, `ui` and `storage`.
Begin with `middleware.py`. It finds out who sends a request; `access.py` decides what a role may do.
"""
