"""Imports of files: watch lists, published records, engagements, figures and alert rules.

It may import every folder of `jobs` except `cli`, `doctor`, `rehearsal`, `orders`, `runtime` and
`engagement`. It may also import the other packages.
Begin with `table_imports.py`. It stores the files of users and reports every line; `published_records.py`
stores what others published.
"""
