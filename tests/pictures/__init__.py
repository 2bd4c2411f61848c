"""Scripts that take the pictures of the documentation, from the program as it is."""
