"""What consuming costs: a context of the bench's own, the naive way, and a bare loop, each as a program."""
