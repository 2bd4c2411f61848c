"""Scans, servers and browsers that the tests share."""
