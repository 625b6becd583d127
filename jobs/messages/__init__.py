"""The content of emails and webhooks: subjects, sections, digests, charts and caveats.

It is pure except for reading its templates: no database, network or clock. Of `jobs` it may import
`alerting`, `base` and `detect`. It may also import `dashboard.auth`, `dashboard.ui` and
`storage.model`.
Begin with `compose.py`. It turns a group of changes into one email; `wave_content.py` holds its
sections, `digest_compose.py` the digests.
"""
