"""The steps of a task: one RQ function each, short, re-runnable, with a task id as its only argument."""
