"""Product and shopper features to vectors: BERT text, product and user towers."""
