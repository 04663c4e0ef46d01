#!/usr/bin/env bash
# Run before the agent starts: here it only makes sure that the tests pass before anything is changed.
set -euo pipefail
python3 --version
python3 -m unittest
