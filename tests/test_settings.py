"""The environment as it is read."""

from pathlib import Path

import pytest

from pipelines.errors import InvalidInput
from pipelines.settings import Settings


def test_defaults_are_a_home_here_and_loopback() -> None:
    settings = Settings.from_environment({})
    home = Path("var").resolve()
    assert settings.home == home
    assert settings.database_url == f"sqlite:///{home}/hourglass.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOURGLASS_PORT", "http"),
        ("HOURGLASS_PORT", "0"),
        ("HOURGLASS_PORT", "70000"),
        ("HOURGLASS_WORKERS", "-1"),
        ("HOURGLASS_DATABASE_URL", "mysql://somewhere"),
        ("HOURGLASS_DATABASE_URL", "postgresql://somewhere"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        Settings.from_environment({name: value})


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as caught:
        Settings.from_environment({"HOURGLASS_DATABASE_URL": "mysql://me:secret@host/db"})
    assert "secret" not in caught.value.detail
