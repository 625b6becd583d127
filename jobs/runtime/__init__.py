"""The composition root: it assembles a running installation from its settings.

It may import every folder of `jobs` except `cli`, `doctor`, `rehearsal` and `orders`, and the other
packages.
Begin with `app.py`. It holds `running`, which starts the roles collect, notify and web;
`platform_loop.py` assembles the reading of one platform.
"""
