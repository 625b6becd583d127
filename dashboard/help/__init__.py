"""Help: the documentation as pages, and the first run of an empty installation.

It may import `accounts`, `health`, `names`, `auth`, `asgi`, `ui` and `storage`.
Begin with `documentation.py`, which draws the documentation, and `first_run_page.py`, which draws the
first run.
"""
