"""Causes on pages: the card of an account, a post or an order, and the form that records one.

It may import `auth`, `asgi`, `ui` and `storage`. The pages of accounts and of orders show the same card.
Begin with `cards.py`. It draws the card; `routes.py` does what its forms ask for.
"""
