"""The REST API below ``/api/v1``: one table of operations, of which routes and description are made."""
