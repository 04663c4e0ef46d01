"""The executor for a cluster: every run is a Job of its own, with one Secret, followed by list and watch.

Chosen by ``ABLEHAND_EXECUTOR=kubernetes``. Nothing but `worker.wiring` and `operate.cluster_check` imports it, and they
only when it is chosen: the official client costs a second and 40 MiB.
"""
