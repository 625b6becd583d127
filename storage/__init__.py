"""Everything Blockline remembers. asyncpg ends here; SQL is literal text beside the function that runs it.

One module per table group. `storage.model` holds the nouns and imports the standard library only.
"""
