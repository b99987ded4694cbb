"""What is read off a trained network: rankings, neighbours, anomaly scores."""
