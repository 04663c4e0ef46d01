"""How a run is launched and watched: one Protocol, an implementation for each place where agents may run."""
