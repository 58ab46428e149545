"""Looks at lists: made, recorded from their start, minded between, and handed to workers."""
