"""script/bench latency, backpressure and memory."""
