"""The command line, and the story that it plays."""
