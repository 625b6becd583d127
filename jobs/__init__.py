"""Scheduling, the pure rules (detect, confirm, policy, compose), mail, rehearsal and the command line."""
