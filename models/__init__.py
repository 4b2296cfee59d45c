"""Networks as texts to read: tensors in, tensors out; nothing here knows the engine."""
