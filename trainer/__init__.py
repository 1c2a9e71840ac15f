"""The offline trainer: from a folder of recordings to a SavedModel with its contract."""
