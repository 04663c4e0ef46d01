"""What the agent gets to know about a task: one file reads it from GitLab, the others make texts of it and are pure."""
