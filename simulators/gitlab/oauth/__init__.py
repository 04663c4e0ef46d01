"""GitLab as an OpenID Connect provider: who signs in is picked on a page, everything behind it is checked."""
