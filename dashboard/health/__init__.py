"""The Health page: collectors, control accounts, workers, planning, database and outbox.

It may import `alerts`, `countries`, `executives`, `orders`, `people`, `auth`, `feeds`, `sizing`,
`wire`, `asgi`, `ui` and `storage`.
Begin with `page.py`. It draws the page from `facts.py`; `words.py` says what each figure means and what
a person can do.
"""
