"""What is known of items besides who has them, and the map from it to what a network says of them.

`features.py` turns content into numbers, `tower.py` fits the map after a network is fitted. The
arithmetic is `models/content.py`. `cold.py` keeps the list of items that a network does not know.
"""
