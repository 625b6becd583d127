"""The HTTP API for programs, under /api/v1: what is on file, as read, and what people may write."""
