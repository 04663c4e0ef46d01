"""What does the work: short RQ steps, executors, the reconciler."""
