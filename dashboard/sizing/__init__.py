"""The Sizing page: what it takes to watch so many accounts.

It may import `asgi`, `ui` and `storage`. The figures come from `storage.model.sizing`.
Begin with `page.py`. It reads the form from the address and draws the answer.
"""
