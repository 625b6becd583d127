"""The command line `blockline`: one module per group of commands.

It is the top of `jobs`: it may import every other folder of it, and the other packages. Only
`jobs/start.py` imports it.
Begin with `main.py`. It lists every command, loads the module of the one that is called, and turns
errors into one sentence; `command.py` holds the options that commands share.
"""
