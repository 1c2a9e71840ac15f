"""Weights that others have published: from a checkpoint file to the weights of a network of ours."""
