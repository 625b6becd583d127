"""The simulator of Pond."""
