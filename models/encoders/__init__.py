"""Networks that read images: six famous ones, each a table and a reader. Not what trains them."""
