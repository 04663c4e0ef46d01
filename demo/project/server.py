"""A small web service."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def hello():
    return 200, "Hello from the shop\n"


ROUTES = {
    "/": hello,
}


class Handler(BaseHTTPRequestHandler):
    """Answers GET by the table of routes."""

    def do_GET(self):
        route = ROUTES.get(self.path)
        status, text = route() if route else (404, "not found\n")
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
