"""What the simulated cluster makes of what is stored: Jobs, Pods, containers, logs, events and garbage."""
