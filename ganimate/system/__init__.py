"""The machine below everything: files written whole, worker processes, signals, devices and seeds."""
