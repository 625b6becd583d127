"""The live dashboard and the HTTP API: Dash on FastAPI, one folder per feature.

It may import `storage`, and neither `collectors` nor `jobs`. A feature owns its pages, routes, words
and figures. Features never import `server`; `ui` and `asgi` import no feature.
Scripts and styles are in `assets`. Begin with `server/features.py`, the list of the features;
`server/app.py` connects the routes of all features.
"""
