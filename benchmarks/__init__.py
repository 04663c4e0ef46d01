"""Figures that the issues ask for, printed and never asserted: `make bench`."""
