"""What the nodes of the replication suites have in common: they are asked."""

import re


class Asking:
    """Asks self.server (support/resp.py), each time on a connection of its own."""

    def call(self, *words):
        client = self.server.client()
        try:
            return client.call(*words)
        finally:
            client.close()

    def info(self, section="replication"):
        text = self.call("INFO", section).decode()
        return dict(re.findall(r"^([^#:\r\n]+):([^\r\n]*)", text, re.M))
