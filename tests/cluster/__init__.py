"""The whole product on a real cluster, against whatever KUBECONFIG points to: `make test-cluster`."""
