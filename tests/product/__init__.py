"""The whole product in real processes: bot, workers and reconciler, a Valkey, a simulated GitLab, real git."""
