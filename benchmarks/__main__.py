"""Runs every benchmark, or those that are named: ``python -m benchmarks [whole_way] [webhook] …``."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "whole_way",
    "reaction",
    "webhook",
    "cancel",
    "idle",
    "runtime_overhead",
    "agent_stream",
    "setup_cache",
    "cluster_runs",
    "reconciler_scale",
    "words",
    "task_table",
    "log_viewers",
    "log_page",
    "metrics",
)

for name in sys.argv[1:] or NAMES:
    print(f"== {name}")
    importlib.import_module(f"benchmarks.{name}").main()
