"""The routes, one file per resource. A route parses, calls one thing and serialises."""

from apiflask import APIBlueprint

from service.routes import (
    anomalies,
    artifacts,
    detectors,
    embeddings,
    health,
    images,
    interactions,
    items,
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
    detectors.bp,
    interactions.bp,
    items.bp,
    images.bp,
    users.bp,
    runs.bp,
    artifacts.bp,
    schedules.bp,
    health.bp,
    pages.bp,
)
"""In the order in which the API page shows them."""
