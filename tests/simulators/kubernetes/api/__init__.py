"""Tests of the simulated API server: raw HTTP, the official client, and the real kubectl."""
