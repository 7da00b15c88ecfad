"""A believable province without hardware, and the replay of recorded data."""
