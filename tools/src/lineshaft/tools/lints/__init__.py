"""Rules of this repository that no other linter knows; each has a good and a bad example in its test."""
