"""The Accounts page with its edits and imports, and the page of one account.

It may import `alerts`, `countries`, `executives`, `orders`, `people`, `auth`, `feeds`, `sizing`,
`wire`, `asgi`, `ui` and `storage`.
Begin with `account_page.py`. It draws one account; `account_chart.py` draws its timeline.
`table_page.py` and `table_columns.py` serve the table of all accounts.
"""
