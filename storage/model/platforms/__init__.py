"""Platforms: what each one declares about itself, and where its declaration is found.

Pure: standard library only. It may import `core`. It names no platform: each declares itself in its own
folder of `collectors` and is found by its entry point.
Begin with `declaration.py`. It holds `PlatformDeclaration`, the contract; `registry.py` finds the
declarations of the installed platforms.
"""
