"""The web application: it connects the features, serves the files and finds pages.

It is the top of `dashboard` and may import `storage`, `ui`, `asgi`, `auth`, and of each feature only the
module `feature`, which says what it adds. No other folder of `dashboard` imports it.
Begin with `features.py`, the list of features. `create_app` in `app.py` connects what they add; `routing.py`
finds the page of an address.
"""
