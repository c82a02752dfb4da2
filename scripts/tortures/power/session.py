"""A client for whom an answer that is an error is one."""

import json

from ..client import Broken, Client

__all__ = ["Broken", "Refused", "Session"]
PATIENCE_S = 60


class Refused(Exception):
    """The daemon answered with an error."""

    def __init__(self, error):
        super().__init__(error["code"], error["message"])
        self.code = error["code"]


class Session(Client):
    """`heard` is called with each answer that is no error."""

    def __init__(self, data, heard=lambda name, answer: None):
        super().__init__(data)
        self.socket.settimeout(PATIENCE_S)
        self.heard = heard

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, request, body=b"", **fields):
        """The name of the answer, and its value; records that come with it are read and dropped."""
        if body:
            fields["bytes"] = len(body)
        ((name, answer),) = self.call({request: fields}, body).items()
        if name == "error":
            raise Refused(answer)
        if name == "records":
            self.answers.read(answer["bytes"])
        self.heard(name, answer)
        return name, answer
