"""The ledger of causes: who says why something was blocked or came back, and on what evidence.

It may import every folder of `storage` except `purge`, `imports`, `replay`, `stories` and `live`.
Begin with `ledger.py`. It records, corrects and reads causes; `cause_import.py` records those that come in
files, and `cause_documents.py` keeps what says so.
"""
