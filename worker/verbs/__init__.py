"""What a command does: one file for each. Each gets a `worker.requests.request.Case` and answers an `Outcome`."""
