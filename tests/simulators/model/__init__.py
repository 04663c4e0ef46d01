"""The simulated model API: three dialects, scripts, failures."""
