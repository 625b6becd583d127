"""Name checks on pages: the table of the names that a user pasted or uploaded, while platforms answer.

It may import `asgi`, `ui` and `storage`. The accounts page and the page of an order show the same table.
Begin with `table.py`. It draws the table of a check; `feature.py` keeps it current.
"""
