"""What all tests of the trainer share."""

from __future__ import annotations

import pytest
import tensorflow as tf


@pytest.fixture(scope="session", autouse=True)
def _graphs_run_as_they_are_traced() -> None:
    """Grappler takes longer than it saves in a few steps; trainings in processes of their own have it, as users' do."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
