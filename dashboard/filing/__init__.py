"""The forms of orders: filing one with its names, and editing it.

It may import `orders`, `names`, `auth`, `ui`, `asgi` and `storage`.
Begin with `new_page.py`. It draws the form of a new order; `new_callbacks.py` stores it, and `names_form.py`
takes the names.
"""
