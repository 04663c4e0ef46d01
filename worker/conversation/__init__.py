"""What is said on GitLab: commands understood, who may ask, every sentence, and the agent's words made harmless."""
