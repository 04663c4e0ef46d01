"""A GitLab on loopback: REST, git over HTTP, webhooks and plain pages, with state and no more."""
