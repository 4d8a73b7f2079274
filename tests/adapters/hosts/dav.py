"""WsgiDAV on cheroot: dav.py FOLDER PORT PASSWORD."""

from __future__ import annotations

import sys
from typing import Any

from cheroot import wsgi
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp


def main(folder: str, port: str, password: str) -> None:
    settings: dict[str, Any] = {
        "provider_mapping": {"/": FilesystemProvider(folder)},
        "simple_dc": {"user_mapping": {"*": {"editor": {"password": password}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        "verbose": 0,
        "logging": {"enable": False},
        "lock_storage": True,
    }
    wsgi.Server(("127.0.0.1", int(port)), WsgiDAVApp(settings), numthreads=4).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
