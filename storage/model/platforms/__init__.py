"""Platforms: what each one declares about itself, and where its declaration is found.

Pure: standard library only. It may import `core`. It names no platform: each declares itself in its own
folder of `collectors`, and `registry.py` loads these declarations by their entry points.
Begin with `declaration.py`. It holds `PlatformDeclaration`, the contract; `unread.py` lists sites
that are not read.
"""
