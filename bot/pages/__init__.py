"""The pages, a file each; `frame` has what is around all of them, `routes` where each is."""
