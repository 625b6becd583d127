"""The files of an export: CSV, JSON Lines and Parquet.

Of `jobs` it may import `alerting`, `base` and `detect`. It may also import the other packages.
Begin with `export.py`. It writes one kind of rows in one format; `parquet.py` loads pyarrow and is
imported only when needed.
"""
