"""``script/bench growth``: days of load in bulk, and how long things take before and after."""
