"""The JSON of the REST API, one file a noun. Pure: records in, JSON-able values out."""
