"""Plain pages where a person can click: they read the world, and act as the person who is chosen."""
