"""One spider per way of publishing."""
