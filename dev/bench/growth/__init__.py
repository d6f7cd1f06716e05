"""script/bench growth: duration of operations before and after days of load in bulk."""
