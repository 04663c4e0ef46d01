"""The REST API, one file a noun, each with its own routes."""
