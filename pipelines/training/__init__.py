"""From a matrix of interactions to a judged network. Not where the result is kept."""
