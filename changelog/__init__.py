"""The reading room: what is stored is worded, shown and sent. Nothing is decided about the data here."""
