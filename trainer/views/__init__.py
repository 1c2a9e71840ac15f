"""What is looked at during training, one file a game: pictures, sounds, and the distance that the best is chosen by."""
