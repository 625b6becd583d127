"""The archive of closed months: their coverage as Parquet files of an Iceberg table, and back.

It may import `readings`, `postgres` and `model`, and no other folder of `storage`. Begin with `archiving.py`,
which moves one month; `storage.readings.archived_rows` reads archived months for questions.
"""
