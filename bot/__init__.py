"""What GitLab and people talk to over HTTP: webhook, pages. Holds no GitLab token; reads and writes Redis only."""
