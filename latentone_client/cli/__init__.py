"""The command line: `latentone generate --model digits --label 7 --seed 3 -o seven.wav`."""
