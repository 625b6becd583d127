"""Storage: everything that Blockline remembers, in Postgres, one folder per group of tables.

asyncpg is imported here and nowhere else. SQL is literal text beside the function that runs it. Row
types are in `model`, which is pure and imports the standard library only.
The package imports no other package of Blockline. Inside it every other folder may import `postgres`
and `model`. Begin with `changes/record.py`, which stores an answered request in one transaction.
"""
