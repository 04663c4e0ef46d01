"""The outer edge, played on loopback for the demo and the tests. Imports nothing of ours."""
