"""What every room shares: the task and its store, settings, GitLab, logs. Imports no other room."""
