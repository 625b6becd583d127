"""Help on pages: the first run of an empty installation, and where a word or a key is explained.

It may import `accounts`, `health`, `names`, `auth`, `asgi`, `ui` and `storage`.
Begin with `first_run_page.py`, which draws the first run; `readiness.py` says what of an installation works.
"""
