"""What arguments of more than one benchmark mean. Not the arguments of any one of them."""

import argparse


def seeds(text: str) -> list[int]:
    """Whole numbers with commas between."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        detail = f"{text!r} is not whole numbers with commas between, such as 0,1,2"
        raise argparse.ArgumentTypeError(detail) from None
