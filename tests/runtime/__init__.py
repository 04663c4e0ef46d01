"""The three steps as processes of their own, against a real git server on loopback."""
