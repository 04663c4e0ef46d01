"""The world of the simulated GitLab: every rule that changes what it remembers."""
