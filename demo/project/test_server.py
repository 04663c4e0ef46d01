import threading
import unittest
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer

from server import Handler


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def tearDown(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.server_port}{path}") as answer:
            return answer.status, answer.read().decode()

    def test_root_says_hello(self):
        self.assertEqual((200, "Hello from the shop\n"), self.get("/"))

    def test_unknown_path_is_not_found(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.get("/nothing")
        self.assertEqual(404, caught.exception.code)
        caught.exception.close()


if __name__ == "__main__":
    unittest.main()
