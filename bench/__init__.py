"""Speed of this project on this machine, side by side with what it is compared to: `make bench`."""
