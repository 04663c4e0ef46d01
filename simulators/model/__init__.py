"""A model API on loopback that answers by a script, in the three dialects that coding agents speak."""
