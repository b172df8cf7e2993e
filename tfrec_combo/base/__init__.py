"""Words every room may use: config, errors, files, and the pinned stack."""
