"""Fuzzing of the readers: `targets` says what is fed, `campaign` feeds it with coverage."""
