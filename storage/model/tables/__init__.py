"""CSV tables that users bring: cells, rows, addresses of accounts and watch lists.

Pure: standard library only. It may import `core` and `text`. Each fault names the file and the line.
Begin with `csv_rows.py`. It reads the lines of a table; `csv_cells.py` reads one cell, and
`account_references.py` finds the account that a text names.
"""
