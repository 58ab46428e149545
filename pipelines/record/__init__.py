"""The one writer. Everything that changes a table is in this room, and each door is one transaction."""
