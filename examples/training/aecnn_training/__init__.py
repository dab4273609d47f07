"""Training of the learned parts of an aecnn profile around a split network."""
