"""A client of latentone's service: HTTP and gRPC behind one interface, sync and async; sounds as NumPy arrays.

>>> from latentone_client import Client
>>> with Client("http://127.0.0.1:3000") as client:  # or grpc://127.0.0.1:3001
...     sound = client.generate(model="digits", label="7", seed=3)
>>> sound.samples.shape
(1, 8192)
>>> sound.write("seven.wav")
"""

from latentone_client.answers import Answer, Features, Folded, Model, Skipped, Sound, Tune, Varied
from latentone_client.client import AsyncClient, Client
from latentone_client.errors import (
    Busy,
    DeadlineExceeded,
    Failure,
    Internal,
    Invalid,
    NotFound,
    NotReady,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from latentone_client.retries import Retries
from latentone_client.streams import AsyncSoundStream, SoundStream

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncSoundStream",
    "Busy",
    "Client",
    "DeadlineExceeded",
    "Failure",
    "Features",
    "Folded",
    "Internal",
    "Invalid",
    "Model",
    "NotFound",
    "NotReady",
    "Retries",
    "Skipped",
    "Sound",
    "SoundStream",
    "TooLarge",
    "Tune",
    "Unauthenticated",
    "Unavailable",
    "Varied",
]
