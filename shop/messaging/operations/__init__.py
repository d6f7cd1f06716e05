"""Operation of the kernel: queries about messages, resending of lost ones, retention."""
