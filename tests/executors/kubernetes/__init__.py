"""The executor for a cluster: what it orders, what it sees, what it makes of it."""
