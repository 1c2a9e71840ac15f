"""How good a model sounds, in numbers, from the waveforms that a user would get."""
