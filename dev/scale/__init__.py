"""script/scale: workers scaled by the depth of their queues, their throughput, and sizes on paper."""
