"""Raw events -> validated, time-split tables."""
