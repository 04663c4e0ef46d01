"""The agents' real programs against a scripted model, and their recorded streams."""
