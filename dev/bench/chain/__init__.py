"""script/bench chain: orders from accepted to shipped, beside competitors."""
