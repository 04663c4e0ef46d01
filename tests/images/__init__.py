"""The two Dockerfiles, read and not built: what an image must not lose when somebody edits them."""
