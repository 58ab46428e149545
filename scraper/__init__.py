"""Outdoors: which lists there are, how they are found and fetched, and the bytes that were kept."""
