"""Tests of the simulated Kubernetes: its API, and the machinery behind it."""
