"""Rules of this repository that no off-the-shelf linter knows. Each has a good and a bad example in its test."""
