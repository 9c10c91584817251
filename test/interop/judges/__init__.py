"""The judges: readers that we did not write, each behind the same few functions."""
