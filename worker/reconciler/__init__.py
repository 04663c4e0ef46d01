"""The one process that joins three truths (Redis, the executor, GitLab) and rings the next step."""
