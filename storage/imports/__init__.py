"""Records that others published: their accounts, changes, spells and proof of reading.

An import creates no alerts and watches no accounts. It may import every folder of `storage` except
`purge`, `replay` and `stories`.
Begin with `imports.py`. It holds `import_history`, which stores one record in the caller's transaction.
"""
