"""Building blocks of pages: words for times and states, figure styles, forms and table cells.

It may import `storage` and `asgi`, and no other folder of `dashboard`.
Begin with `pages.py`. It says what a feature of the dashboard is; `words.py` writes times, intervals and
states, `chart_style.py` holds the colours and hatches of a status.
"""
