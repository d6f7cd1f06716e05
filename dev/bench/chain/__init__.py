"""script/bench chain: orders from accepted to shipped, compared with competitors."""
