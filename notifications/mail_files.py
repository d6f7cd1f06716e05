"""Mail backend of a demonstration: e-mails in files that only their owner may read."""

import os
from typing import Any

from django.core.mail.backends import filebased


class EmailBackend(filebased.EmailBackend):
    """Django's file backend with a folder of mode 0700 and files of mode 0600."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        os.chmod(self.file_path, 0o700)

    def open(self) -> bool | None:
        """Open the file, and close it to others whatever the umask is."""
        is_new = super().open()
        if is_new and self.stream:
            os.fchmod(self.stream.fileno(), 0o600)
        return is_new
