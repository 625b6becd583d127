"""The layer around each request: security headers, websockets, refusals and dashboard settings.

It may import `storage` and no other folder of `dashboard`. It knows no page.
Begin with `security_headers.py`. It decides which hosts may ask, and adds the headers to every answer;
`settings.py` holds `DashboardSettings`, `process.py` what every feature works with.
"""
