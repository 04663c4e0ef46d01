"""What the agent gets to know: who wrote what, and how much of it."""
