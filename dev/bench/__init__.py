"""``script/bench``: how fast the shop is on this machine, beside what others reach on the same servers."""
