"""A Kubernetes API on loopback, for tests and for trying: real API semantics, Jobs that run as local processes."""
