"""The log -> bundles for merchandisers: mined, their take-up estimated, chosen under constraints and told on a page."""
