"""The story of Lineshaft, told on the local stack: `make demo`, and the end-to-end test."""
