"""The calls that we make to GitLab, and nothing else of its API."""
