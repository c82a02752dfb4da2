"""A client of the socket that does only what it is told: no tool's patience stands between it and the daemon."""

import json
import os
import socket


class Broken(Exception):
    """The connection is gone; whether the last request was carried out is unknown."""


class Client:
    def __init__(self, data):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(8)
        try:
            self.socket.connect(os.path.join(data, "socket"))
        except OSError as error:
            self.socket.close()
            raise Broken(error) from error
        self.answers = self.socket.makefile("rb")

    def call(self, request, body=b""):
        """The answer to a request that is answered in one line."""
        try:
            self.socket.sendall(json.dumps(request).encode() + b"\n" + body)
            answer = self.answers.readline()
        except OSError as error:
            raise Broken(error) from error
        if not answer.endswith(b"\n"):
            raise Broken("closed")
        return json.loads(answer)

    def append(self, topic, body, **producer):
        return self.call({"append": {"topic": topic, "bytes": len(body), **producer}}, body)

    def close(self):
        self.answers.close()
        self.socket.close()
