"""The routes, one file per resource. A route parses, calls one thing and serialises."""

from apiflask import APIBlueprint

from service.routes import (
    anomalies,
    artifacts,
    detectors,
    drift,
    embeddings,
    feedback,
    health,
    images,
    interactions,
    items,
    metrics,
    pages,
    recommendations,
    reconstructions,
    runs,
    schedules,
    users,
)

BLUEPRINTS: tuple[APIBlueprint, ...] = (
    recommendations.bp,
    reconstructions.bp,
    embeddings.bp,
    anomalies.bp,
    feedback.bp,
    drift.bp,
    detectors.bp,
    interactions.bp,
    items.bp,
    images.bp,
    users.bp,
    runs.bp,
    artifacts.bp,
    schedules.bp,
    health.bp,
    metrics.bp,
    pages.bp,
)
"""In the order in which the API page shows them."""
