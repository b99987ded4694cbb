"""Groups of users that are too alike: fake profiles, made by one hand. Not single strange users."""
