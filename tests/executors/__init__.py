"""The executors, with real processes."""
