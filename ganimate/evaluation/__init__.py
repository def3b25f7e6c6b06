"""What a model can do, on people whom it never saw: protocol, metrics, tables."""
