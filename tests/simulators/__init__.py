"""The simulators are driven as the product drives them: over HTTP, by real clients."""
