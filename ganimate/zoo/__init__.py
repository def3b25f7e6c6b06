"""Models on disk: files of weights, and the catalogue of those that ship."""
