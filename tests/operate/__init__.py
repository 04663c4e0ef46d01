"""What an operator runs: installing hooks, the doctor, and the processes of one machine."""
