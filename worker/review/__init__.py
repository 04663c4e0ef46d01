"""A review: what the agent wrote is decoded, and its comments go to the lines that they are about."""
