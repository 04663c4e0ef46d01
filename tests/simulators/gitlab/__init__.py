"""The simulated GitLab, by python-gitlab, git, a receiver of hooks and plain requests."""
