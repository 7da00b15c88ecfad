"""The collector: messages in, checked readings out."""
