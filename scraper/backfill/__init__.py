"""A list's past out of a web archive: which captures there are, what they hold, what is missing."""
