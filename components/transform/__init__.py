"""From examples to what is trained on: `preprocessing` normalises beats and adds a copy with the noise of `noise`."""
