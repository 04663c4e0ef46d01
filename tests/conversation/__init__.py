"""What we understand and what we say: no network, no clock, whole texts compared."""
