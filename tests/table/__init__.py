"""The table of cases: one row for each way to ask, each thing understood, each answer and each refusal."""
