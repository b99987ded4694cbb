"""The watch: looks over everything, and keeps what it finds strange."""
