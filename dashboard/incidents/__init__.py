"""Incidents as work: who has one, until when, what the last person noted, and whether it is over.

It may import `ui`, `asgi` and `auth` of the dashboard, and `storage`.
Begin with `incident_page.py`. `incidents_page.py` lists them, and `callbacks.py` stores what the form says.
"""
