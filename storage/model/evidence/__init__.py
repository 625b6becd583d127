"""Exact bytes and rows: hash chain statements, evidence packs and exports.

Pure: standard library only. It may import `core`.
Begin with `hash_chain.py`. It holds what an entry of the hash chain attests, and how entries follow each
other.
"""
