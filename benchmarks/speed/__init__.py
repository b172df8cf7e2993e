"""Speed of every stage: a ratio to a named peer, and to what this machine could do at best."""
