"""Reports: one self-contained page of an evaluation, or of several side by side."""
