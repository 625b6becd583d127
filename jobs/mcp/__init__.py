"""The MCP server: assistants read what is stored, with what is not known about it.

It may import `runtime` and what is below it in `jobs`, and the other packages. The library `mcp` is an extra
that is not always installed; only `server.py` imports it.
Begin with `tools.py`. It lists the tools; `questions.py` has their arguments, `unknowns.py` the sentences
about what is not known, and `token_gate.py` lets in programs over HTTP.
"""
