"""The tests: the outer edge is played by simulators, everything between is real."""
