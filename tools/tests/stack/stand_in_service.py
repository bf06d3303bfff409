"""Stands in for a service: ready at once, tells its environment, and ends with a code when asked to."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/exit/"):
            os._exit(int(self.path.rpartition("/")[2]))
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(200 if self.path in {"/readyz", "/environment"} else 404)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    address = (os.environ["LINESHAFT_HTTP_HOST"], int(os.environ["LINESHAFT_HTTP_PORT"]))
    ThreadingHTTPServer(address, Handler).serve_forever()
