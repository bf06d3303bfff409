"""Calls to addresses that somebody outside chose."""
