"""The chart, as the real helm renders it: without a cluster, in several sets of values (helm/ci/)."""
