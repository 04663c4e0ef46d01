"""The launching half of the kubernetes executor: manifests, the pod template, launch and cancel, rights."""
