"""Where readings and results live: one Protocol, two stores."""
