"""Tables that users bring as CSV or TOML: cells, rows, addresses of accounts and watch lists.

Pure: standard library only. It may import `core` and `text`. Each fault names the file and the line.
Begin with `csv_rows.py`. It reads the lines of a CSV table, and `toml_tables.py` the tables of a TOML file;
`csv_cells.py` reads one cell, and `account_references.py` finds the account that a text names.
"""
