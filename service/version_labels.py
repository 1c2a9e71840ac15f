"""The file labels.json of the models' folder: names for versions, {"digits": {"stable": 1, "canary": 2}}."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

PLACE = "labels.json"
Labels = dict[str, dict[str, int]]  # version by label, by model

_FORM = TypeAdapter(
    dict[
        str,
        dict[
            Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")], Annotated[int, Field(ge=1, lt=2**31, strict=True)]
        ],
    ]
)


def read_labels(root: Path) -> Labels:
    """Return the labels; none where there is no file.

    Raises: ValueError, in words for who has written the file.
    """
    try:
        return _FORM.validate_json((root / PLACE).read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ValueError(f"{PLACE} can't be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ": ".join([PLACE, *map(str, first["loc"])])
        raise ValueError(f'{place}: {first["msg"]}; write {{"model": {{"label": version}}}}') from None
