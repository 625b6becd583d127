"""The web application: it connects the features, serves the files and finds pages.

It is the top of `dashboard` and may import every other folder of it, and `storage`. No other folder of
`dashboard` imports it.
Begin with `app.py`. It holds `create_app`, which connects every route; `routing.py` reads and draws the
page of an address.
"""
