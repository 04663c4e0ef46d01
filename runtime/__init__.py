"""What runs inside the sandbox: prepare, agent, publish. Standard library only; imports nothing else of ours."""
