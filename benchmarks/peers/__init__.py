"""One file a peer: what it can do, and how an expert in it would do it."""
