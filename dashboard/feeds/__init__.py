"""Feeds for other programs: changes as Atom, orders and deadlines as a calendar.

It may import `asgi`, `ui` and `storage`.
Begin with `routes.py`. It answers both feeds; `atom.py` and `order_ics.py` write them.
"""
