"""The one reader. Every question that is asked of the tables is in this room."""
