"""script/bench: performance of the shop on this machine, compared with competitors on the same servers."""
