"""How good a model sounds, in numbers."""
