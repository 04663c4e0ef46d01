"""Reviews: what an agent wrote is decoded, and its comments reach their lines."""
