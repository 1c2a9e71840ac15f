"""Games: how generator and critic learn from each other. A game knows tensors, no corpus and no audio.

The loop plays whatever has `step`, `state` and `restore` (trainer.loop.Game).
"""
