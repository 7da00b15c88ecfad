"""The numpy core: arrays in, arrays out. No IO, no clock, no settings (but in `jobs`)."""
