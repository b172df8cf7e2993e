"""SavedModel -> answers: loads what the exporter wrote and asks it; needs TensorFlow's runtime and nothing that trains."""
