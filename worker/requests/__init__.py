"""Who asks for what: one file for each way to ask. Each reads GitLab as it is now and believes no delivery."""
