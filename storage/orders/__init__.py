"""Orders: legal demands, the names in them, their events, documents and edits.

It may import every folder of `storage` except `purge`, `imports`, `replay`, `stories` and `live`.
Begin with `orders.py`. It stores and edits an order; `names.py` reads the names, and
`compliance_report.py` reads the accounts of its list.
"""
