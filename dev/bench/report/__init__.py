"""Reports of measurements: figures, time series, pictures."""
