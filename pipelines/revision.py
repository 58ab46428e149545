"""Of which version the tables are, and how long a process waits for another one that writes."""

HEAD = "0005"
BUSY_SECONDS = 60
