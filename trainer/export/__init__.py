"""From a trained run to models/<name>/<version>/: one self-contained SavedModel with its contract and card."""
