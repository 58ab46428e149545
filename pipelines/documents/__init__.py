"""The documents that agreements link to: fetched, kept by their hashes, watched, and read where certain."""
