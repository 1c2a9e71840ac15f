"""The gRPC contract, and the program that generates code from it."""
