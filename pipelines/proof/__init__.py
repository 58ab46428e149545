"""Proof that nothing was altered: the archive by its hashes, the journal by its chain, SQL by both."""
