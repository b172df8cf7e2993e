"""The best K to ranked products and sets: candidates, features, the ranking task and the set generator."""
